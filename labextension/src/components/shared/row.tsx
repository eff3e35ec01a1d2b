import * as React from 'react';

/** A list item: a header that expands it, actions and details. */
export function Row(props: {
  /** Kind of item, for tests and styles. */
  kind: 'pipeline' | 'run' | 'publication' | 'source';
  name: string;
  sign: React.ReactNode;
  title: React.ReactNode;
  /** At the right end of the first line, where the actions appear. */
  aside?: React.ReactNode;
  /** Lines under the title. */
  lines?: React.ReactNode;
  /** The last line: a text, and a picture at its end. */
  foot?: React.ReactNode;
  actions?: React.ReactNode;
  open: boolean;
  onToggle: () => void;
  /** Always visible, below the header. */
  below?: React.ReactNode;
  /** Visible when open. */
  children?: React.ReactNode;
}): JSX.Element {
  const id = React.useId();
  return (
    <li
      className={`jp-EtlRow jp-mod-${props.kind} ${props.open ? 'jp-mod-open' : ''}`}
      data-name={props.name}
    >
      <div className="jp-EtlRow-main">
        <div className="jp-EtlRow-sign">{props.sign}</div>
        <button
          type="button"
          className="jp-EtlRow-head"
          aria-expanded={props.open}
          aria-controls={props.open ? id : undefined}
          onClick={props.onToggle}
        >
          {props.title}
        </button>
        {props.aside ? (
          <div className="jp-EtlRow-aside">{props.aside}</div>
        ) : null}
        {props.actions ? (
          <div className="jp-EtlRow-actions">{props.actions}</div>
        ) : null}
        {props.lines ? (
          <div className="jp-EtlRow-lines">{props.lines}</div>
        ) : null}
        {props.foot ? <div className="jp-EtlRow-foot">{props.foot}</div> : null}
      </div>
      {props.below}
      {props.open ? (
        <div id={id} className="jp-EtlRow-details">
          {props.children}
        </div>
      ) : null}
    </li>
  );
}

/** Names and values. */
export function Facts(props: {
  facts: (readonly [string, React.ReactNode] | null)[];
}): JSX.Element {
  return (
    <dl className="jp-EtlFacts">
      {props.facts.map(fact =>
        fact === null ? null : (
          <React.Fragment key={fact[0]}>
            <dt>{fact[0]}</dt>
            <dd>{fact[1]}</dd>
          </React.Fragment>
        )
      )}
    </dl>
  );
}
