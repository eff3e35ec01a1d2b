import * as React from 'react';

import type { ILastRun } from '../../api';
import { formatDuration, formatInstant } from '../../model';
import { useEtl } from '../shared/context';
import { runLabel, runShape } from '../shared/status';

const SLOTS = 14;
const BAR = 5;
const STEP = 7;
const HEIGHT = 18;

/** The last 14 runs as bars: the height shows the duration, the shape the state. */
export const RunStrip = React.memo(function RunStrip(props: {
  runs: ILastRun[];
  onOpen?: (id: number) => void;
}): JSX.Element | null {
  const { trans } = useEtl();
  const runs = props.runs.slice(-SLOTS);
  if (!runs.length) {
    return null;
  }
  const longest = Math.max(1, ...runs.map(run => run.seconds ?? 0));
  const failed = runs.filter(run => runShape(run.state) === 'failing').length;
  return (
    <svg
      className="jp-EtlStrip"
      width={runs.length * STEP}
      height={HEIGHT}
      viewBox={`0 0 ${runs.length * STEP} ${HEIGHT}`}
      role="img"
      aria-label={trans.__('Last %1 runs, %2 failed', runs.length, failed)}
    >
      {runs.map((run, index) => (
        <g
          key={run.id}
          data-run={run.id}
          transform={`translate(${index * STEP + STEP - BAR} 0)`}
          onClick={() => props.onOpen?.(run.id)}
        >
          <title>
            {[
              `#${run.id} ${runLabel(run, trans)}`,
              formatInstant(run.due_at),
              run.seconds === null ? '' : formatDuration(run.seconds)
            ]
              .filter(Boolean)
              .join('\n')}
          </title>
          <rect width={STEP} height={HEIGHT} fill="transparent" />
          <Bar run={run} share={(run.seconds ?? 0) / longest} />
        </g>
      ))}
    </svg>
  );
});

function Bar(props: { run: ILastRun; share: number }): JSX.Element {
  const shape = runShape(props.run.state);
  const name = `jp-EtlStrip-bar jp-mod-${shape}`;
  if (shape === 'waiting' || shape === 'none') {
    return <circle className={name} cx={BAR / 2} cy={HEIGHT - 2.5} r={1.8} />;
  }
  const height = Math.max(4, Math.round(props.share * (HEIGHT - 4)));
  const y = HEIGHT - height;
  if (shape === 'failing' || shape === 'held') {
    // A pointed top and a dot above it mark a failure without colour.
    const top = Math.min(y, HEIGHT - 8);
    return (
      <g className={name}>
        <path
          d={`M0 ${top + 3}L${BAR / 2} ${top}L${BAR} ${top + 3}V${HEIGHT}H0z`}
        />
        <circle cx={BAR / 2} cy={Math.max(1.5, top - 2.5)} r={1.5} />
      </g>
    );
  }
  return (
    <rect
      className={name}
      x={shape === 'ok' ? 0 : 0.75}
      y={shape === 'ok' ? y : y + 0.75}
      width={shape === 'ok' ? BAR : BAR - 1.5}
      height={shape === 'ok' ? height : height - 1.5}
      rx={1.5}
    />
  );
}
