import type { VNode } from 'preact';
import { Name } from '../html/text.tsx';
import { operatorAccountPath } from '../paths.ts';

export function AccountLink({ accountId }: { readonly accountId: string }): VNode {
  return (
    <a href={operatorAccountPath(accountId)}>
      <Name>{accountId}</Name>
    </a>
  );
}
