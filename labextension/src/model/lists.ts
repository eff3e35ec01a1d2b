import type {
  EtlClient,
  IHold,
  IPipelineView,
  IPublicationView,
  IRunEvent,
  IRunView,
  ISource,
  PipelineFilter
} from '../api';
import type { IPipelineQuery, IRunQuery, Tab } from '../tokens';
import { PagedList } from './pagedList';

/** The lists of the tabs, and their filters. */
export class Lists {
  /**
   * @param options.client - The REST API.
   * @param options.filter - Which pipelines to show at first.
   * @param options.changed - Called after each change.
   */
  constructor(options: {
    client: EtlClient;
    filter: PipelineFilter;
    changed: () => void;
  }) {
    const { client, changed } = options;
    const name = (item: { name: string }) => item.name;
    this._pipelineQuery = { filter: options.filter, search: '' };
    this.sources = new PagedList<ISource>({
      fetch: () => client.sources(),
      key: name,
      changed
    });
    this.pipelines = new PagedList<IPipelineView>({
      fetch: slice => client.pipelines({ ...this._pipelineQuery, ...slice }),
      key: name,
      changed
    });
    this.attention = new PagedList<IPipelineView>({
      fetch: slice =>
        client.pipelines({ filter: 'failing', search: '', ...slice }),
      key: name,
      changed
    });
    this.runs = new PagedList<IRunView>({
      fetch: slice => client.runs({ ...this._runQuery, ...slice }),
      key: run => run.id,
      changed
    });
    this.published = new PagedList<IPublicationView>({
      fetch: () => client.publications(this._search),
      key: name,
      changed
    });
    this.holds = new PagedList<IHold>({
      fetch: () => client.holds(),
      key: hold => hold.run,
      changed
    });
  }

  readonly sources: PagedList<ISource>;
  readonly pipelines: PagedList<IPipelineView>;
  /** Pipelines that need attention; only filled while all are shown. */
  readonly attention: PagedList<IPipelineView>;
  readonly runs: PagedList<IRunView>;
  readonly published: PagedList<IPublicationView>;
  readonly holds: PagedList<IHold>;

  get pipelineQuery(): IPipelineQuery {
    return this._pipelineQuery;
  }

  get runQuery(): IRunQuery {
    return this._runQuery;
  }

  get search(): string {
    return this._search;
  }

  filterPipelines(query: Partial<IPipelineQuery>): void {
    this._pipelineQuery = { ...this._pipelineQuery, ...query };
    this.pipelines.clear();
  }

  filterRuns(query: Partial<IRunQuery>): void {
    this._runQuery = { ...this._runQuery, ...query };
    this.runs.clear();
  }

  filterPublished(search: string): void {
    this._search = search;
    this.published.clear();
  }

  /** Fetch what a tab shows. */
  async refresh(tab: Tab): Promise<void> {
    if (tab === 'pipelines') {
      const { filter, search } = this._pipelineQuery;
      const all = filter === 'all' && !search;
      if (!all && this.attention.items.length) {
        this.attention.clear();
      }
      await Promise.all([
        this.pipelines.refresh(),
        all ? this.attention.refresh() : undefined
      ]);
    } else {
      const decided = tab !== 'sources';
      await Promise.all([
        this[tab].refresh(),
        decided ? this.holds.refresh() : undefined
      ]);
    }
  }

  /** Show how far a run is before its list is fetched again. */
  follow(event: IRunEvent): void {
    this.runs.patch(event.run, run => ({
      ...run,
      state: event.state,
      outcome: event.outcome,
      cell: event.cell ?? run.cell,
      cells: event.cells ?? run.cells
    }));
  }

  private _pipelineQuery: IPipelineQuery;
  private _runQuery: IRunQuery = { pipeline: '', state: '' };
  private _search = '';
}
