/** The accuracy as a dot with its interval as a line; what the most frequent label and the lot would give are strokes. From 0 to 100 %. */
import type { WorkspaceEvaluationDetails } from '@tunan/protocol';
import './interval-bar.css';

const WIDTH = 120;

interface IntervalBarProps {
  readonly of: Pick<WorkspaceEvaluationDetails['tasks'][number], 'accuracy' | 'interval' | 'majority' | 'random'>;
}

export function IntervalBar({ of: { accuracy, interval, majority, random } }: IntervalBarProps) {
  const at = (share: number) => 2 + share * (WIDTH - 4);
  return (
    <svg class="interval-bar" viewBox={`0 0 ${WIDTH} 16`} aria-hidden="true">
      <line class="axis" x1={at(0)} x2={at(1)} y1="8" y2="8" />
      <line class="random" x1={at(random)} x2={at(random)} y1="2" y2="14" />
      {majority !== null && <line class="majority" x1={at(majority)} x2={at(majority)} y1="2" y2="14" />}
      {interval !== null && <line class="interval" x1={at(interval.low)} x2={at(interval.high)} y1="8" y2="8" />}
      {accuracy !== null && <circle cx={at(accuracy)} cy="8" r="3.5" />}
    </svg>
  );
}
