import type { Json } from '../api';

type Fields = { [key: string]: Json };

const TRUST = new Set(['trusted', 'signature']);

/**
 * Join the lines of texts, which a notebook file keeps as lists, and drop marks of trust.
 *
 * JupyterLab shows outputs of a cell that is marked as trusted without sanitising them. The contents API of the server does so for the documents it reads; JupyterLab puts commas between
 * the lines of an output that comes as a list.
 */
export function joinLines(notebook: Json): Json {
  if (!isFields(notebook) || !Array.isArray(notebook.cells)) {
    return notebook;
  }
  return { ...withoutTrust(notebook), cells: notebook.cells.map(joinCell) };
}

function joinCell(cell: Json): Json {
  if (!isFields(cell)) {
    return cell;
  }
  const joined: Fields = withoutTrust(cell);
  if ('source' in cell) {
    joined.source = joinText(cell.source);
  }
  if (Array.isArray(cell.outputs)) {
    joined.outputs = cell.outputs.map(joinOutput);
  }
  if (isFields(cell.attachments)) {
    joined.attachments = mapValues(cell.attachments, joinBundle);
  }
  return joined;
}

function withoutTrust(holder: Fields): Fields {
  return isFields(holder.metadata)
    ? {
        ...holder,
        metadata: Object.fromEntries(
          Object.entries(holder.metadata).filter(([key]) => !TRUST.has(key))
        )
      }
    : { ...holder };
}

function joinOutput(output: Json): Json {
  if (!isFields(output)) {
    return output;
  }
  const joined: Fields = { ...output };
  if ('text' in output) {
    joined.text = joinText(output.text);
  }
  if ('data' in output) {
    joined.data = joinBundle(output.data);
  }
  return joined;
}

/** A list is a text in lines, but for the types that are JSON themselves. */
function joinBundle(bundle: Json): Json {
  return isFields(bundle)
    ? mapValues(bundle, (value, type) =>
        /[/+]json$/.test(type) ? value : joinText(value)
      )
    : bundle;
}

function joinText(text: Json): Json {
  return Array.isArray(text) ? text.join('') : text;
}

function mapValues(
  fields: Fields,
  change: (value: Json, key: string) => Json
): Fields {
  return Object.fromEntries(
    Object.entries(fields).map(([key, value]) => [key, change(value, key)])
  );
}

function isFields(value: Json): value is Fields {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}
