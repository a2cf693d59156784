const LEADING = 18;
const PAGE_HEIGHT = 842;
const CHARACTERS = 90;

/** Lines of text as a document of A4 pages; letters beyond Latin-1 become question marks, long lines are cut. */
export function pdfOf(lines: readonly string[]): Buffer {
  const perPage = Math.floor(PAGE_HEIGHT / LEADING) - 6;
  const pages = Array.from({ length: Math.ceil(lines.length / perPage) }, (_, page) =>
    lines.slice(page * perPage, (page + 1) * perPage),
  );
  const kids = pages.map((_, page) => `${4 + 2 * page} 0 R`);
  const objects = [
    '<< /Type /Catalog /Pages 2 0 R >>',
    `<< /Type /Pages /Count ${pages.length} /Kids [${kids.join(' ')}] >>`,
    '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>',
    ...pages.flatMap((page, index) => {
      const shown = page.map((line) => `(${escaped(line)}) '`);
      const content = `BT /F1 11 Tf ${LEADING} TL 50 ${PAGE_HEIGHT - 50} Td ${shown.join('\n')} ET`;
      return [
        `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 ${PAGE_HEIGHT}] /Contents ${5 + 2 * index} 0 R ` +
          '/Resources << /Font << /F1 3 0 R >> >> >>',
        `<< /Length ${content.length} >>\nstream\n${content}\nendstream`,
      ];
    }),
  ];
  const parts = ['%PDF-1.4\n'];
  const offsets = objects.map((object, index) => {
    const offset = parts.join('').length;
    parts.push(`${index + 1} 0 obj\n${object}\nendobj\n`);
    return `${String(offset).padStart(10, '0')} 00000 n \n`;
  });
  const start = parts.join('').length;
  const size = objects.length + 1;
  parts.push(
    `xref\n0 ${size}\n0000000000 65535 f \n${offsets.join('')}`,
    `trailer\n<< /Size ${size} /Root 1 0 R >>\nstartxref\n${start}\n%%EOF\n`,
  );
  return Buffer.from(parts.join(''), 'latin1');
}

function escaped(line: string): string {
  return line
    .slice(0, CHARACTERS)
    .replaceAll(/[^\u0020-\u007E\u00A0-\u00FF]/gu, '?')
    .replaceAll(/[\\()]/g, String.raw`\$&`);
}
