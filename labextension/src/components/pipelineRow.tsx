import { editIcon, pauseIcon, runIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import type { IPipelineView } from '../api';
import { lines } from '../model';
import { Action } from './action';
import { useEtl } from './context';
import { ErrorNotice, Notice } from './notice';
import { Countdown, useNow } from './now';
import { PipelineDetails } from './pipelineDetails';
import { Row } from './row';
import { RunStrip } from './runStrip';
import { healthLabel, healthShape, Status } from './status';

/** What the model knows of a row beside the pipeline itself. */
export interface IRowState {
  busy: boolean;
  problem: ReturnType<ReturnType<typeof useEtl>['model']['problem']>;
  leavesAt: number | null;
}

/** A pipeline: how it is, when it runs, how it went, and what can be done. */
export const PipelineRow = React.memo(function PipelineRow(
  props: { pipeline: IPipelineView } & IRowState
): JSX.Element {
  const { model, trans } = useEtl();
  const { pipeline } = props;
  const [open, setOpen] = React.useState(false);
  const openRun = React.useCallback(
    (id: number) => {
      model.filterRuns({ pipeline: pipeline.name, state: '' });
      model.openRun = id;
      model.tab = 'runs';
    },
    [model, pipeline.name]
  );
  return (
    <Row
      kind="pipeline"
      name={pipeline.name}
      open={open}
      onToggle={() => setOpen(!open)}
      sign={
        <Status
          shape={healthShape(pipeline.health)}
          label={healthLabel(pipeline.health, trans)}
        />
      }
      title={pipeline.name}
      aside={<span className="jp-EtlRow-owner">{pipeline.owner}</span>}
      actions={<PipelineActions pipeline={pipeline} busy={props.busy} />}
      lines={
        <div className="jp-EtlRow-line" title={pipeline.words}>
          {pipeline.words || trans.__('On demand')}
        </div>
      }
      foot={
        <>
          <span className="jp-EtlRow-line">
            <Next pipeline={pipeline} />
          </span>
          <RunStrip runs={pipeline.last_runs} onOpen={openRun} />
        </>
      }
      below={
        <>
          {props.leavesAt !== null ? (
            <Leaving name={pipeline.name} at={props.leavesAt} />
          ) : null}
          {pipeline.missing ? <Missing pipeline={pipeline} /> : null}
          {props.problem ? (
            <ErrorNotice
              error={props.problem}
              onDismiss={() => model.dismiss(`pipeline:${pipeline.name}`)}
            />
          ) : null}
        </>
      }
    >
      <PipelineDetails pipeline={pipeline} />
    </Row>
  );
});

function PipelineActions(props: {
  pipeline: IPipelineView;
  busy: boolean;
}): JSX.Element {
  const { model, opener, trans } = useEtl();
  const { name, notebook_path: path, paused } = props.pipeline;
  return (
    <>
      <Action
        label={trans.__('Run now')}
        of={name}
        line={lines.trigger(name)}
        icon={runIcon}
        disabled={props.busy}
        onClick={() => void model.trigger(name)}
      />
      {paused ? (
        <Action
          label={trans.__('Resume')}
          of={name}
          line={lines.resume(name)}
          text
          disabled={props.busy}
          onClick={() => void model.resume(name)}
        />
      ) : (
        <Action
          label={trans.__('Pause')}
          of={name}
          line={lines.pause(name)}
          icon={pauseIcon}
          disabled={props.busy}
          onClick={() => void model.pause(name)}
        />
      )}
      {path !== null && !props.pipeline.missing ? (
        <Action
          label={trans.__('Edit schedule')}
          of={name}
          line={scheduleHint(props.pipeline)}
          icon={editIcon}
          onClick={() => opener.schedule(path)}
        />
      ) : null}
    </>
  );
}

function scheduleHint(pipeline: IPipelineView): string {
  const { schedule } = pipeline;
  if (schedule?.after.length) {
    const all = schedule.after_all ? ' --after-all' : '';
    return `%etl schedule --after ${schedule.after.join(',')}${all}`;
  }
  return `%etl schedule "${schedule?.text ?? ''}" --tz ${schedule?.timezone ?? 'UTC'}`;
}

function Next(props: { pipeline: IPipelineView }): JSX.Element {
  const { trans } = useEtl();
  const { paused, next_due: next, pause_note: note, schedule } = props.pipeline;
  if (paused) {
    return <span title={note}>{note || trans.__('paused')}</span>;
  }
  if (next) {
    return <Countdown at={next} />;
  }
  return schedule?.kind === 'after' ? (
    <>{trans.__('waits for new data')}</>
  ) : (
    <>{trans.__('nothing due')}</>
  );
}

/** The notebook's file is gone: what still runs, and the way back. */
function Missing(props: { pipeline: IPipelineView }): JSX.Element {
  const { opener, trans } = useEtl();
  const { name, notebook, version } = props.pipeline;
  return (
    <Notice
      shape="late"
      label={trans.__('Notebook gone')}
      actions={
        <Action
          label={trans.__('Relink')}
          of={name}
          line={lines.relink(name)}
          text
          onClick={() => opener.relink(name)}
        />
      }
    >
      {trans.__(
        '%1 was renamed, moved or deleted. Runs go on with version %2, as it was deployed.',
        notebook.split('/').pop(),
        version
      )}
    </Notice>
  );
}

function Leaving(props: { name: string; at: number }): JSX.Element {
  const { model, trans } = useEtl();
  const seconds = Math.max(0, Math.ceil((props.at - useNow()) / 1000));
  return (
    <div className="jp-EtlUndo" role="status">
      <span>{trans.__('Will be unscheduled in %1 s', seconds)}</span>
      <Action
        label={trans.__('Undo')}
        of={props.name}
        text
        primary
        onClick={() => model.undoUnschedule(props.name)}
      />
    </div>
  );
}
