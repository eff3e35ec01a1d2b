import * as React from 'react';

import type { IDeployment, IDeployRequest } from '../api';
import {
  ErrorNotice,
  hasErrors,
  ScheduleForm,
  useEtl,
  useFetched,
  type IEtlContext
} from '../components';
import { focusFirst, FormDialog, type IFormProps } from './formDialog';

const FIRST_FIELD = 'input:checked, select, input';
const focusFirstField = focusFirst(FIRST_FIELD);

/** The dialog that schedules a saved notebook, given by its contents path. */
export function scheduleDialog(options: {
  context: IEtlContext;
  path: string;
}): FormDialog<IDeployRequest, IDeployment> {
  const { context, path } = options;
  const { model, trans } = context;
  return new FormDialog<IDeployRequest, IDeployment>({
    context,
    title: trans.__('Schedule %1', path.split('/').pop()),
    label: trans.__('Deploy'),
    caption: trans.__('Deploy the saved notebook with this schedule'),
    Form: props => <Body {...props} path={path} />,
    initial: null,
    submit: request => model.deploy(request),
    focus: FIRST_FIELD,
    submitOnEnter: false
  });
}

function Body(
  props: IFormProps<IDeployRequest> & { path: string }
): JSX.Element {
  const { model, trans } = useEtl();
  const { onChange, onLabel, path } = props;
  const { value, error, retry } = useFetched(
    () => model.client.notebook(path),
    // The notebook may have been saved since: preflight runs again.
    [model, path, props.failures]
  );
  const errors = value !== null && hasErrors(value.findings);
  React.useEffect(
    () => onLabel(errors ? trans.__('Deploy anyway') : trans.__('Deploy')),
    [errors]
  );
  if (error) {
    return <ErrorNotice error={error} onRetry={retry} />;
  }
  return value ? (
    <div ref={focusFirstField}>
      <ScheduleForm
        path={path}
        info={value}
        error={props.error}
        onChange={onChange}
      />
    </div>
  ) : (
    <div className="jp-EtlWaiting" role="status">
      {trans.__('Reading the notebook…')}
    </div>
  );
}
