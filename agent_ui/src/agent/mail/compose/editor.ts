// The editor itself. Fetched when the first mail is written, as it is larger than the rest of the composer.

import { baseKeymap, chainCommands, exitCode, lift, setBlockType, toggleMark, wrapIn } from "prosemirror-commands";
import { history, redo, undo } from "prosemirror-history";
import { inputRules, wrappingInputRule } from "prosemirror-inputrules";
import { keymap } from "prosemirror-keymap";
import type { MarkType, Node, NodeType } from "prosemirror-model";
import { liftListItem, sinkListItem, splitListItem, wrapInList } from "prosemirror-schema-list";
import { type Command, EditorState, TextSelection } from "prosemirror-state";
import { EditorView } from "prosemirror-view";
import { fromHtml, linkTo, schema, toHtml } from "./schema.ts";

const { marks, nodes } = schema;

/** Which tools are on at the caret. */
export interface Active {
  strong: boolean;
  em: boolean;
  underline: boolean;
  strike: boolean;
  link: string | null;
  bullet_list: boolean;
  ordered_list: boolean;
  blockquote: boolean;
}

export type Tool = "strong" | "em" | "underline" | "strike" | "bullet_list" | "ordered_list" | "blockquote" | "undo" | "redo";

export interface EditorOptions {
  place: HTMLElement;
  /** Of the field; the reply's when none is given, to which shortcuts go. */
  id?: string;
  html: string;
  label: string;
  placeholder: string;
  onChange: (html: string) => void;
  onActive: (active: Active) => void;
  /** What stands between the last "/" and the caret, null when no canned reply is asked for. */
  onSlash: (query: string | null) => void;
  /** Keys before the editor's own: true takes one. */
  onKey: (event: KeyboardEvent) => boolean;
  /** Files that are pasted or dropped; pictures that are pasted stand in the text. */
  onFiles: (files: File[], inline: boolean) => void;
}

export interface Editor {
  focus: () => void;
  run: (tool: Tool) => void;
  setLink: (address: string) => boolean;
  clearLink: () => void;
  /** Puts HTML at the caret, in the place of what "/" and its letters are. */
  insert: (html: string, slash?: boolean) => void;
  insertPicture: (file: string, alt: string) => void;
  destroy: () => void;
}

const SLASH = /(?:^|\s)\/([^\s/]{0,40})$/;

function holds(state: EditorState, type: MarkType): boolean {
  const { from, $from, to, empty } = state.selection;
  return empty ? Boolean(type.isInSet(state.storedMarks ?? $from.marks())) : state.doc.rangeHasMark(from, to, type);
}

function within(state: EditorState, type: NodeType): boolean {
  const { $from } = state.selection;
  for (let depth = $from.depth; depth > 0; depth--) if ($from.node(depth).type === type) return true;
  return false;
}

function linkAt(state: EditorState): string | null {
  const { $from, from, to, empty } = state.selection;
  const found = marks.link.isInSet($from.marks()) ?? ($from.nodeAfter && marks.link.isInSet($from.nodeAfter.marks));
  if (found) return String(found.attrs["href"]);
  let href: string | null = null;
  if (!empty) {
    state.doc.nodesBetween(from, to, (node) => {
      const link = marks.link.isInSet(node.marks);
      if (link) href = String(link.attrs["href"]);
    });
  }
  return href;
}

function active(state: EditorState): Active {
  return {
    strong: holds(state, marks.strong), em: holds(state, marks.em), underline: holds(state, marks.underline), strike: holds(state, marks.strike),
    link: linkAt(state),
    bullet_list: within(state, nodes.bullet_list), ordered_list: within(state, nodes.ordered_list), blockquote: within(state, nodes.blockquote),
  };
}

function slashAt(state: EditorState): string | null {
  const { $from, empty } = state.selection;
  if (!empty || !$from.parent.isTextblock) return null;
  return SLASH.exec($from.parent.textBetween(Math.max(0, $from.parentOffset - 60), $from.parentOffset, undefined, "\ufffc"))?.[1] ?? null;
}

/** On, or off where it is on already. */
function listCommand(type: NodeType): Command {
  return (state, dispatch) => (within(state, type) ? liftListItem(nodes.list_item)(state, dispatch) : wrapInList(type)(state, dispatch));
}

const commands: Record<Tool, Command> = {
  strong: toggleMark(marks.strong),
  em: toggleMark(marks.em),
  underline: toggleMark(marks.underline),
  strike: toggleMark(marks.strike),
  bullet_list: listCommand(nodes.bullet_list),
  ordered_list: listCommand(nodes.ordered_list),
  blockquote: (state, dispatch) => (within(state, nodes.blockquote) ? lift(state, dispatch) : wrapIn(nodes.blockquote)(state, dispatch)),
  undo,
  redo,
};

const breakLine: Command = chainCommands(exitCode, (state, dispatch) => {
  dispatch?.(state.tr.replaceSelectionWith(nodes.hard_break.create()).scrollIntoView());
  return true;
});

/** At the start of a quotation's or list's first line, Backspace leaves it. */
const leave: Command = (state, dispatch) => {
  const { $from, empty } = state.selection;
  if (!empty || $from.parentOffset > 0) return false;
  return within(state, nodes.list_item) ? liftListItem(nodes.list_item)(state, dispatch) : within(state, nodes.blockquote) && lift(state, dispatch);
};

const keys = keymap({
  "Mod-b": commands.strong,
  "Mod-i": commands.em,
  "Mod-u": commands.underline,
  "Mod-Shift-x": commands.strike,
  "Mod-Shift-7": commands.ordered_list,
  "Mod-Shift-8": commands.bullet_list,
  "Mod-Shift-9": commands.blockquote,
  "Mod-z": undo,
  "Mod-y": redo,
  "Shift-Mod-z": redo,
  "Shift-Enter": breakLine,
  Enter: splitListItem(nodes.list_item),
  Backspace: leave,
  // Tab leaves the field, as it does everywhere; within a list it sinks the item.
  Tab: sinkListItem(nodes.list_item),
  "Shift-Tab": (state, dispatch) => within(state, nodes.list_item) && liftListItem(nodes.list_item)(state, dispatch),
  "Mod-Alt-0": setBlockType(nodes.paragraph),
});

const rules = inputRules({
  rules: [
    wrappingInputRule(/^\s*([-*])\s$/, nodes.bullet_list),
    wrappingInputRule(/^(\d+)[.)]\s$/, nodes.ordered_list, undefined, (_match, node) => node.childCount === 0),
    wrappingInputRule(/^\s*>\s$/, nodes.blockquote),
  ],
});

function filesOf(data: DataTransfer | null): File[] {
  return [...(data?.files ?? [])];
}

export function createEditor(options: EditorOptions): Editor {
  const { place } = options;
  let blank: boolean | null = null;
  const empty = (doc: Node) => doc.childCount === 1 && doc.firstChild?.type === nodes.paragraph && doc.firstChild.content.size === 0;
  const tell = (state: EditorState) => {
    options.onActive(active(state));
    options.onSlash(slashAt(state));
    if (blank === empty(state.doc)) return;
    blank = empty(state.doc);
    place.classList.toggle("blank", blank);
  };
  const view = new EditorView(place, {
    state: EditorState.create({ doc: fromHtml(options.html), plugins: [rules, keys, keymap(baseKeymap), history()] }),
    attributes: {
      id: options.id ?? "reply",
      role: "textbox",
      "aria-multiline": "true",
      "aria-label": options.label,
      "aria-placeholder": options.placeholder,
      dir: "auto",
    },
    dispatchTransaction(transaction) {
      const state = view.state.apply(transaction);
      view.updateState(state);
      if (transaction.docChanged) options.onChange(toHtml(state.doc));
      tell(state);
    },
    handleKeyDown: (_view, event) => options.onKey(event),
    handlePaste(_view, event, slice) {
      const files = filesOf(event.clipboardData);
      if (files.length === 0 || slice.content.size > 0) return false;
      options.onFiles(files, true);
      return true;
    },
    handleDrop(_view, event) {
      const files = filesOf(event.dataTransfer);
      if (files.length === 0) return false;
      event.preventDefault();
      event.stopPropagation();
      options.onFiles(files, false);
      return true;
    },
  });
  tell(view.state);

  const dispatch = view.dispatch.bind(view);
  return {
    focus: () => view.focus(),
    run: (tool) => {
      commands[tool](view.state, dispatch, view);
      view.focus();
    },
    setLink: (address) => {
      const href = linkTo(address);
      if (href === null) return false;
      const { from, to, empty: none } = view.state.selection;
      const tr = view.state.tr;
      if (none) tr.insert(from, schema.text(address.trim(), [marks.link.create({ href })]));
      else tr.removeMark(from, to, marks.link).addMark(from, to, marks.link.create({ href }));
      dispatch(tr.scrollIntoView());
      view.focus();
      return true;
    },
    clearLink: () => {
      const { $from, from, to, empty: none } = view.state.selection;
      let [start, end] = [from, to];
      if (none) { // the whole link around the caret
        const node = $from.parent.childAfter(Math.max(0, $from.parentOffset - ($from.nodeAfter ? 0 : 1)));
        if (node.node) [start, end] = [$from.start() + node.offset, $from.start() + node.offset + node.node.nodeSize];
      }
      dispatch(view.state.tr.removeMark(start, end, marks.link));
      view.focus();
    },
    insert: (html, slash = false) => {
      const { state } = view;
      const query = slash ? slashAt(state) : null;
      const start = query === null ? state.selection.from : state.selection.from - query.length - 1;
      const doc = fromHtml(html);
      const tr = state.tr;
      const single = doc.childCount === 1 && doc.firstChild?.type === nodes.paragraph;
      if (empty(state.doc) || (query !== null && state.doc.childCount === 1 && state.doc.textContent === `/${query}`)) {
        tr.replaceWith(0, state.doc.content.size, doc.content);
        tr.setSelection(TextSelection.atEnd(tr.doc));
      } else if (single && doc.firstChild) tr.replaceWith(start, state.selection.to, doc.firstChild.content);
      else tr.delete(start, state.selection.to).replaceSelection(doc.slice(0, doc.content.size));
      dispatch(tr.scrollIntoView());
      view.focus();
    },
    insertPicture: (file, alt) => {
      dispatch(view.state.tr.replaceSelectionWith(nodes.image.create({ file, alt })).scrollIntoView());
      view.focus();
    },
    destroy: () => view.destroy(),
  };
}
