import * as React from 'react';

import type { IRunView, ITriggerRequest } from '../api';
import {
  ErrorNotice,
  RunForm,
  useEtl,
  useFetched,
  type IEtlContext
} from '../components';
import { focusFirst, FormDialog, type IFormProps } from './formDialog';

const FIRST_VALUE = '.jp-EtlParameters input, .jp-EtlParameters select';
const focusFirstValue = focusFirst(FIRST_VALUE);

/** The dialog that runs a pipeline now; Enter starts the run. */
export function runDialog(options: {
  context: IEtlContext;
  pipeline: string;
}): FormDialog<ITriggerRequest, IRunView> {
  const { context, pipeline } = options;
  const { model, trans } = context;
  const dialog = new FormDialog<ITriggerRequest, IRunView>({
    context,
    title: trans.__('Run %1', pipeline),
    label: trans.__('Run'),
    caption: trans.__('Start one run of the deployed version'),
    Form: props => <Body {...props} pipeline={pipeline} />,
    initial: { parameters: {}, draft: false },
    submit: request => model.trigger(pipeline, request),
    focus: FIRST_VALUE,
    submitOnEnter: true
  });
  dialog.addClass('jp-EtlRunDialog');
  return dialog;
}

function Body(
  props: IFormProps<ITriggerRequest> & { pipeline: string }
): JSX.Element {
  const { model, trans } = useEtl();
  const { pipeline } = props;
  const { value, error, retry } = useFetched(
    () => model.client.parameters(pipeline),
    [model, pipeline]
  );
  if (value) {
    return (
      <div ref={focusFirstValue}>
        <RunForm {...props} info={value} />
      </div>
    );
  }
  const shown = error ?? props.error;
  return shown ? (
    <ErrorNotice error={shown} onRetry={retry} />
  ) : (
    <div className="jp-EtlWaiting" role="status">
      {trans.__('Loading…')}
    </div>
  );
}
