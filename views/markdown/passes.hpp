// SPDX-License-Identifier: Apache-2.0
// What Markdown says beyond CommonMark. Each pass changes the tree in place; markdown.cpp calls them in this order.
#pragma once

#include "storage/model/rendered.hpp"
#include "views/markdown.hpp"
#include "views/markdown/tree.hpp"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace lyceum::views::markdown {

/// Columns of a table, and cells of all tables of a text, at most.
inline constexpr std::size_t columns_max = 256;
inline constexpr std::size_t cells_max = 20'000;

/// Paragraphs that are tables (GitHub's rule: a row of dashes under a row with as many cells) become table nodes. Cells
/// hold their Markdown, `pending`. Short rows are filled, long ones cut.
///   too_large  more columns or cells than allowed
expected<void> find_tables(node& root, const std::vector<std::string_view>& lines);

/// What `find_tables` left pending, one paragraph each, in the order of the tree; empty when nothing is. Parsed before
/// the whole text, so that links by reference find their definitions.
std::string pending_text(const node& root, std::size_t& count);
/// Puts the parsed paragraphs, the first children of `parsed`, where the pending text stood.
void place_pending(node& root, node& parsed);

/// A footnote as written.
struct footnote {
  std::string label;
  node body; ///< its children are blocks
};
using footnotes = std::map<std::string, footnote, std::less<>>;

/// Takes definitions (`[^label]: …`) out of the tree and turns `[^label]` into references where a definition exists.
/// `parse` reads the indented blocks that may follow a definition.
footnotes take_footnotes(node& root, std::string_view mark, node (*parse)(const std::string&));

/// `~~gone~~`.
void strike(node& root, std::string_view mark);
/// `- [ ]` and `- [x]`.
void find_tasks(node& root);
/// `> [!NOTE]`, TIP, IMPORTANT, WARNING, CAUTION; words after it are its title.
void find_callouts(node& root);
/// Takes out what is left of the marks.
void unmark_all(node& root, std::string_view mark);

/// Frames become links; `<!-- more -->` at the top becomes a node; other raw HTML is dropped unless it is trusted or
/// one of the bare tags <kbd> <sub> <sup> <mark> <ins> <del> <br>.
void settle_html(node& root, bool trusted, int more_line = 0);
/// A stranger's text: no raw HTML at all, headings become bold paragraphs, images become links.
void settle_comment(node& root, bool in_link = false);

/// Pictures of other hosts become links, or their words where a link stands around them: a page loads from its own host alone.
void link_to_remote_images(node& root);

/// Links to files of the course and to files beside the text.
void rewrite_links(node& root, const render_input&);
/// A paragraph that is one image with a title becomes a figure.
void find_figures(node& root);

/// Levels without gaps from 2 on (the page has its own h1), and an anchor for each heading. Returns levels 2 to 4.
std::vector<heading> outline(node& root);

/// Every fenced block, in order.
std::vector<code_block> list_code(const node& root);

} // namespace lyceum::views::markdown
