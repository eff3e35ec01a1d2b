import { ReactWidget } from '@jupyterlab/ui-components';
import type { Message } from '@lumino/messaging';
import * as React from 'react';

import {
  EtlProvider,
  etlIcon,
  NowProvider,
  PanelView,
  type IEtlContext
} from '../components';

/** Id of the sidebar's widget. */
export const SIDEBAR_ID = 'jp-etl-sidebar';

/** The sidebar with the four tabs. */
export class Sidebar extends ReactWidget {
  constructor(context: IEtlContext) {
    super();
    const { trans } = context;
    this._context = context;
    this.id = SIDEBAR_ID;
    this.addClass('jp-EtlPanel');
    this.title.icon = etlIcon;
    this.title.caption = trans.__('ETL');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', trans.__('ETL'));
  }

  protected override render(): JSX.Element {
    return (
      <EtlProvider value={this._context}>
        <NowProvider>
          <PanelView />
        </NowProvider>
      </EtlProvider>
    );
  }

  protected override onAfterShow(msg: Message): void {
    super.onAfterShow(msg);
    this._context.model.watched = true;
  }

  protected override onAfterHide(msg: Message): void {
    super.onAfterHide(msg);
    this._context.model.watched = false;
  }

  protected override onAfterAttach(msg: Message): void {
    super.onAfterAttach(msg);
    this._context.model.watched = this.isVisible;
  }

  protected override onBeforeDetach(msg: Message): void {
    this._context.model.watched = false;
    super.onBeforeDetach(msg);
  }

  protected override onActivateRequest(msg: Message): void {
    super.onActivateRequest(msg);
    // By its name: the choice may not be drawn yet.
    this.node
      .querySelector<HTMLElement>(`#jp-etl-tab-${this._context.model.tab}`)
      ?.focus();
  }

  private _context: IEtlContext;
}
