import { editIcon, pauseIcon, runIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import type { IPipelineView } from '../../api';
import { Action } from '../shared/action';
import { useEtl } from '../shared/context';
import { ErrorNotice, Notice } from '../shared/notice';
import { Ago, Countdown, useNow } from '../shared/clock';
import { PipelineDetails } from './pipelineDetails';
import { Row } from '../shared/row';
import { RunStrip } from '../runs/runStrip';
import { healthLabel, healthShape, Status } from '../shared/status';

/** The state of the actions on a pipeline. */
export interface IRowState {
  busy: boolean;
  problem: ReturnType<ReturnType<typeof useEtl>['model']['problem']>;
  unscheduleAt: number | null;
}

/** A pipeline: health, schedule, last runs and actions. */
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
        <>
          <div className="jp-EtlRow-line" title={pipeline.words}>
            {pipeline.words || trans.__('On demand')}
          </div>
          {pipeline.severity && pipeline.health !== 'auto_paused' ? (
            <HealthNote pipeline={pipeline} />
          ) : null}
        </>
      }
      foot={
        <>
          <span className="jp-EtlRow-line">
            <NextRun pipeline={pipeline} />
          </span>
          <RunStrip runs={pipeline.last_runs} onOpen={openRun} />
        </>
      }
      below={
        <>
          {pipeline.health === 'auto_paused' ? (
            <AutoPaused
              pipeline={pipeline}
              busy={props.busy}
              onOpenRun={openRun}
            />
          ) : null}
          {props.unscheduleAt !== null ? (
            <Unscheduling name={pipeline.name} at={props.unscheduleAt} />
          ) : null}
          {pipeline.missing ? <MissingNotebook pipeline={pipeline} /> : null}
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
  const { lines, name, notebook_path: path, paused } = props.pipeline;
  return (
    <>
      <Action
        label={trans.__('Run now')}
        of={name}
        line={lines.trigger}
        icon={runIcon}
        disabled={props.busy}
        onClick={() => opener.runNow(name)}
      />
      {paused ? (
        <Action
          label={trans.__('Resume')}
          of={name}
          line={lines.resume}
          text
          disabled={props.busy}
          onClick={() => void model.resume(name)}
        />
      ) : (
        <Action
          label={trans.__('Pause')}
          of={name}
          line={lines.pause}
          icon={pauseIcon}
          disabled={props.busy}
          onClick={() => void model.pause(name)}
        />
      )}
      {path !== null && !props.pipeline.missing ? (
        <Action
          label={trans.__('Edit schedule')}
          of={name}
          line={lines.schedule}
          icon={editIcon}
          onClick={() => opener.schedule(path)}
        />
      ) : null}
    </>
  );
}

/** Why it needs attention, and its last success. */
function HealthNote(props: { pipeline: IPipelineView }): JSX.Element {
  const { health, health_note: note } = props.pipeline;
  return (
    <>
      <div
        className={`jp-EtlRow-why jp-mod-${healthShape(health)}`}
        title={note}
      >
        {note}
      </div>
      <div className="jp-EtlRow-line">
        <LastSuccess pipeline={props.pipeline} />
      </div>
    </>
  );
}

/** Shown when the platform has paused it: nothing runs until it is resumed. */
function AutoPaused(props: {
  pipeline: IPipelineView;
  busy: boolean;
  onOpenRun: (id: number) => void;
}): JSX.Element {
  const { model, trans } = useEtl();
  const { health_note: note, health_run: run, lines, name } = props.pipeline;
  return (
    <Notice
      shape="stopped"
      label={trans.__('Paused after failures')}
      actions={
        <>
          <Action
            label={trans.__('Resume')}
            of={trans.__('%1 after its failures', name)}
            line={lines.resume}
            text
            primary
            disabled={props.busy}
            onClick={() => void model.resume(name)}
          />
          {run !== null ? (
            <Action
              label={trans.__('Show run %1', run)}
              text
              onClick={() => props.onOpenRun(run)}
            />
          ) : null}
        </>
      }
    >
      <p className="jp-EtlNotice-message">{note}</p>
      <p className="jp-EtlNotice-hint">
        <LastSuccess pipeline={props.pipeline} />
      </p>
    </Notice>
  );
}

function LastSuccess(props: { pipeline: IPipelineView }): JSX.Element {
  const { trans } = useEtl();
  const { last_success_at: last } = props.pipeline;
  return last === null ? (
    <>{trans.__('No run has succeeded yet')}</>
  ) : (
    <span>
      {trans.__('Last success:')} <Ago at={last} />
    </span>
  );
}

function NextRun(props: { pipeline: IPipelineView }): JSX.Element {
  const { trans } = useEtl();
  const { paused_by: by, next_due: next, running, schedule } = props.pipeline;
  if (running) {
    return <>{trans.__('running')}</>;
  }
  if (by) {
    return (
      <>
        {by === 'platform'
          ? trans.__('paused automatically')
          : trans.__('paused')}
      </>
    );
  }
  if (next) {
    return <Countdown at={next} />;
  }
  return schedule?.kind === 'after' ? (
    <>{trans.__('runs after new data')}</>
  ) : (
    <>{trans.__('not scheduled')}</>
  );
}

/** Shown when the notebook's file is missing. */
function MissingNotebook(props: { pipeline: IPipelineView }): JSX.Element {
  const { opener, trans } = useEtl();
  const { lines, name, notebook, version } = props.pipeline;
  return (
    <Notice
      shape="late"
      label={trans.__('Notebook missing')}
      actions={
        <Action
          label={trans.__('Relink')}
          of={name}
          line={lines.relink}
          text
          onClick={() => opener.relink(name)}
        />
      }
    >
      {trans.__(
        '%1 was renamed, moved or deleted. Runs still use version %2, as deployed.',
        notebook.split('/').pop(),
        version
      )}
    </Notice>
  );
}

function Unscheduling(props: { name: string; at: number }): JSX.Element {
  const { model, trans } = useEtl();
  const seconds = Math.max(0, Math.ceil((props.at - useNow()) / 1000));
  return (
    <div className="jp-EtlUndo" role="status">
      <span>{trans.__('Unscheduling in %1 s', seconds)}</span>
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
