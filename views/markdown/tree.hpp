// SPDX-License-Identifier: Apache-2.0
// A text as a tree of values. markdown.cpp makes it from cmark's nodes; passes turn plain Markdown into what we add to
// it.
#pragma once

#include "storage/model/expected.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lyceum::views::markdown {

enum class kind : std::uint8_t {
  // cmark's own
  document,
  quote,
  list,
  item,
  code_block,
  html_block,
  paragraph,
  heading,
  rule,
  text,
  soft_break,
  line_break,
  code,
  html,
  emphasis,
  strong,
  link,
  image,
  // made by passes
  table,
  row,
  cell,
  strike,
  figure,
  callout,
  footnote_ref,
  more,
};

enum class alignment : std::uint8_t { none, left, centre, right };

/// One node. Which fields mean something depends on `what`; the tree is at most `depth_max` deep, so recursion over it
/// is safe.
struct node {
  kind what = kind::document;
  bool tight = false;                ///< list: no paragraphs inside its items
  bool ordered = false;              ///< list
  bool fenced = false;               ///< code_block: not an indented one
  bool task = false;                 ///< item: begins with a box
  bool done = false;                 ///< item: the box is ticked
  bool pending = false;              ///< cell, paragraph: `text` holds Markdown that is still to be parsed
  alignment align = alignment::none; ///< cell
  int number = 0;                    ///< heading: level; list: its first number
  int width = 0;                     ///< image, in pixels; 0: not known
  int height = 0;
  int first_line = 0; ///< in the source, from 1
  int last_line = 0;
  int first_column = 0;
  std::string text;  ///< literal of text, code, code_block, html; label of footnote_ref; class of callout
  std::string url;   ///< link, image
  std::string title; ///< link, image; info string of code_block; id of heading; title of callout
  std::vector<node> children;
};

/// Deepest tree that is taken. Blocks stop at `containers_max` containers; the rest is for emphasis in emphasis.
inline constexpr int depth_max = 100;
/// Quotes and list items around a block, at most (a design limit).
inline constexpr int containers_max = 20;

/// A node of `what` that holds `text`.
inline node make_node(kind what, std::string text = {}) {
  node made;
  made.what = what;
  made.text = std::move(text);
  return made;
}

/// What a reader would hear: literals of text and code, a space for breaks.
std::string plain_text(const node&);

/// The bare cmark stage, raw HTML and all: what CommonMark's examples are checked against. Never for pages.
std::string bare_commonmark(std::string_view source);

} // namespace lyceum::views::markdown
