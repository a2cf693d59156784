import type { Call } from '../call.ts';
import { contract } from '../contract/contract.ts';
import { emit } from '../events/emit.ts';
import type { Json } from '../json.ts';
import type { Charge, Dispute } from '../state/objects.ts';
import { invalid } from '../refusal.ts';
import { enterMoney } from './charges.ts';

/** What Stripe keeps for a dispute in the United States, in cents. */
const FEE_CENTS = 1500;
const ANSWER_SECONDS = 7 * 86_400;

/** The bank takes the money back at once; the invoice stays paid. */
export function openDispute(
  call: Call,
  charge: Charge,
  options: { readonly amountCents?: number; readonly reason?: string },
): Dispute {
  const { world } = call;
  if (charge.disputed || charge.status !== 'succeeded')
    throw invalid('Only a successful charge can be disputed, and only once.', { param: 'charge' });
  const id = world.newId('du_');
  const amount = options.amountCents ?? charge.amount;
  const withdrawn = enterMoney(call, {
    type: 'adjustment',
    amount: -amount,
    currency: charge.currency,
    source: id,
    fee: FEE_CENTS,
  });
  const dispute: Dispute = {
    ...contract().blank('dispute'),
    id,
    object: 'dispute',
    amount,
    balance_transactions: [withdrawn],
    charge: charge.id,
    created: world.now(),
    currency: charge.currency,
    enhanced_eligibility_types: [],
    evidence: blankEvidence(),
    evidence_details: {
      due_by: world.now() + ANSWER_SECONDS,
      enhanced_eligibility: {},
      has_evidence: false,
      past_due: false,
      submission_count: 0,
      submission_method: 'not_submitted',
    },
    is_charge_refundable: false,
    livemode: false,
    metadata: {},
    payment_intent: charge.payment_intent,
    reason: options.reason ?? 'fraudulent',
    status: 'needs_response',
  };
  world.put('charge', { ...charge, disputed: true });
  world.put('dispute', dispute);
  emit(call, 'charge.dispute.created', dispute);
  emit(call, 'charge.dispute.funds_withdrawn', dispute);
  return dispute;
}

/** Won: the money comes back and the charge can be refunded again. Lost: nothing moves. */
export function closeDispute(call: Call, dispute: Dispute, outcome: 'won' | 'lost'): Dispute {
  const { world } = call;
  if (dispute.status !== 'needs_response') throw invalid('This dispute is already closed.');
  const isWon = outcome === 'won';
  const { id, amount, currency } = dispute;
  const returned = isWon
    ? [enterMoney(call, { type: 'adjustment', amount, currency, source: id, fee: 0 })]
    : [];
  const after: Dispute = {
    ...dispute,
    status: outcome,
    is_charge_refundable: isWon,
    balance_transactions: [...dispute.balance_transactions, ...returned],
  };
  world.put('dispute', after);
  emit(call, 'charge.dispute.updated', after, dispute);
  emit(call, 'charge.dispute.closed', after);
  if (isWon) emit(call, 'charge.dispute.funds_reinstated', after);
  return after;
}

function blankEvidence(): Json {
  const names = Object.keys(
    contract().schemaOf('dispute')?.properties?.['evidence']?.properties ?? {},
  );
  const texts = names
    .filter((name) => name !== 'enhanced_evidence')
    .map((name): [string, Json] => [name, null]);
  return { ...Object.fromEntries(texts), enhanced_evidence: {} };
}
