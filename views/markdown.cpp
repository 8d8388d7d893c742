// SPDX-License-Identifier: Apache-2.0
// The only file that knows cmark.
#include "views/markdown.hpp"

#include "storage/model/more.hpp"
#include "views/markdown/guards.hpp"
#include "views/markdown/passes.hpp"
#include "views/markdown/tree.hpp"
#include "views/markdown/write.hpp"
#include "views/sanitize.hpp"

#include <charconv>
#include <cmark.h>
#include <cstdlib>
#include <memory>
#include <stdexcept>

namespace lyceum::views {
namespace markdown {
namespace {

using document = std::unique_ptr<cmark_node, decltype(&cmark_node_free)>;

kind kind_of(cmark_node_type type) {
  switch (type) {
  case CMARK_NODE_BLOCK_QUOTE:
    return kind::quote;
  case CMARK_NODE_LIST:
    return kind::list;
  case CMARK_NODE_ITEM:
    return kind::item;
  case CMARK_NODE_CODE_BLOCK:
    return kind::code_block;
  case CMARK_NODE_HTML_BLOCK:
    return kind::html_block;
  case CMARK_NODE_PARAGRAPH:
    return kind::paragraph;
  case CMARK_NODE_HEADING:
    return kind::heading;
  case CMARK_NODE_THEMATIC_BREAK:
    return kind::rule;
  case CMARK_NODE_TEXT:
    return kind::text;
  case CMARK_NODE_SOFTBREAK:
    return kind::soft_break;
  case CMARK_NODE_LINEBREAK:
    return kind::line_break;
  case CMARK_NODE_CODE:
    return kind::code;
  case CMARK_NODE_HTML_INLINE:
    return kind::html;
  case CMARK_NODE_EMPH:
    return kind::emphasis;
  case CMARK_NODE_STRONG:
    return kind::strong;
  case CMARK_NODE_LINK:
    return kind::link;
  case CMARK_NODE_IMAGE:
    return kind::image;
  default:
    return kind::document; // the root; cmark makes no custom nodes by itself
  }
}

std::string text_of(const char* s) {
  return s ? s : "";
}

struct reader {
  std::string_view mark;
  const std::vector<std::string_view>& lines;
  std::string refused{}; ///< why the tree was not taken

  /// Depth-first; `depth` is bounded, so the stack is.
  void read(cmark_node* from, node& into, int depth, int containers) {
    into.what = kind_of(cmark_node_get_type(from));
    into.first_line = cmark_node_get_start_line(from);
    into.last_line = cmark_node_get_end_line(from);
    into.first_column = cmark_node_get_start_column(from);
    read_fields(from, into);
    if (into.what == kind::quote || into.what == kind::item)
      ++containers;
    if (containers > containers_max)
      refused = at_line(into.first_line, "nests more than 20 quotes and lists");
    else if (depth > depth_max)
      refused = at_line(into.first_line, "nests emphasis more than 100 deep");
    if (!refused.empty())
      return;
    std::size_t count = 0;
    for (auto* child = cmark_node_first_child(from); child; child = cmark_node_next(child))
      ++count;
    into.children.reserve(count);
    for (auto* child = cmark_node_first_child(from); child && refused.empty(); child = cmark_node_next(child))
      read(child, into.children.emplace_back(), depth + 1, containers);
  }

  void read_fields(cmark_node* from, node& into) const {
    switch (into.what) {
    case kind::heading:
      into.number = cmark_node_get_heading_level(from);
      break;
    case kind::list:
      into.tight = cmark_node_get_list_tight(from) != 0;
      into.ordered = cmark_node_get_list_type(from) == CMARK_ORDERED_LIST;
      into.number = cmark_node_get_list_start(from);
      break;
    case kind::link:
    case kind::image:
      into.url = text_of(cmark_node_get_url(from));
      into.title = text_of(cmark_node_get_title(from));
      break;
    case kind::text:
      into.text = text_of(cmark_node_get_literal(from));
      return; // keeps its marks: passes read them
    case kind::code_block:
      into.title = text_of(cmark_node_get_fence_info(from));
      into.fenced = !into.title.empty() || begins_with_fence(into);
      [[fallthrough]];
    default:
      into.text = text_of(cmark_node_get_literal(from));
    }
    unmark(into.text, mark);
    unmark(into.url, mark);
    unmark(into.title, mark);
  }

  bool begins_with_fence(const node& block) const {
    const auto line = static_cast<std::size_t>(block.first_line), column = static_cast<std::size_t>(block.first_column);
    if (line < 1 || line > lines.size() || column < 1 || column > lines[line - 1].size())
      return false;
    const char c = lines[line - 1][column - 1];
    return c == '`' || c == '~';
  }
};

expected<node> parse(const std::string& source, std::string_view mark) {
  const document parsed(cmark_parse_document(source.data(), source.size(), CMARK_OPT_DEFAULT), &cmark_node_free);
  if (!parsed)
    throw std::bad_alloc();
  const auto lines = lines_of(source);
  reader reading{mark, lines};
  node root;
  reading.read(parsed.get(), root, 0, 0);
  if (!reading.refused.empty())
    return fail(problem::kind::too_large, reading.refused);
  return root;
}

/// The blocks of a footnote's continuation: nothing where they nest too deep.
node parse_part(const std::string& source) {
  return parse(source, std::string_view("\0", 1)).value_or(node{});
}

expected<node> parse_with_tables(const prepared& text) {
  auto root = parse(text.source, text.mark);
  if (!root)
    return root;
  if (auto found = find_tables(*root, lines_of(text.source)); !found)
    return tl::unexpected(found.error());
  std::size_t count = 0;
  std::string source = pending_text(*root, count);
  if (count == 0)
    return root;
  // The text once more behind the cells: its link definitions hold for them too.
  auto cells = parse(source.append(text.source), text.mark);
  if (!cells)
    return cells;
  if (cells->children.size() < count)
    throw std::logic_error("cells were lost in parsing");
  place_pending(*root, *cells);
  return root;
}

std::size_t output_max(std::size_t input) {
  return 8 * input + 4096;
}

/// Written and sanitised. The bound holds for what comes out, too: trusted HTML may grow where the sanitiser closes and
/// escapes.
expected<std::string> finish(const node& root, const writing& how, allow_list list, bool& coloured) {
  const auto html = write(root, how, coloured);
  if (!html)
    return html;
  auto clean = sanitize(*html, list);
  if (clean.size() > how.bytes_max)
    return fail(problem::kind::too_large, "the HTML would have more than " + std::to_string(how.bytes_max) + " bytes");
  return clean;
}

} // namespace

std::string plain_text(const node& from) {
  switch (from.what) {
  case kind::text:
  case kind::code:
    return from.text;
  case kind::soft_break:
  case kind::line_break:
    return " ";
  default:
    break;
  }
  std::string out;
  for (const auto& child : from.children)
    out += plain_text(child);
  return out;
}

std::string bare_commonmark(std::string_view source) {
  const std::unique_ptr<char, decltype(&std::free)> html(
      cmark_markdown_to_html(source.data(), source.size(), CMARK_OPT_UNSAFE), &std::free);
  return html.get();
}

} // namespace markdown

using namespace markdown;

expected<rendered_text> render_lesson(const render_input& input, const colours& known) {
  auto text = prepare(input.markdown, lesson_bytes_max);
  if (!text)
    return tl::unexpected(text.error());
  auto root = parse_with_tables(*text);
  if (!root)
    return tl::unexpected(root.error());

  auto notes = take_footnotes(*root, text->mark, parse_part);
  const auto more = find_more(input.markdown);
  const auto settle = [&](node& part, int more_line) {
    strike(part, text->mark);
    find_tasks(part);
    find_callouts(part);
    unmark_all(part, text->mark);
    settle_html(part, input.trusted_html, more_line);
    rewrite_links(part, input);
    link_to_remote_images(part);
    find_figures(part);
  };
  settle(*root, more ? more->line : 0);
  for (auto& [label, note] : notes)
    settle(note.body, 0);

  rendered_text made;
  made.headings = outline(*root);
  made.blocks = list_code(*root);
  writing how{.notes = &notes, .colouring = &known, .bytes_max = output_max(input.markdown.size())};
  made.coloured = true;
  auto html = finish(*root, how, allow_list::lesson, made.coloured);
  if (!html)
    return tl::unexpected(html.error());
  made.html = std::move(*html);

  for (std::size_t at = 0; at < root->children.size() && !made.has_more; ++at)
    if (root->children[at].what == kind::more) {
      made.has_more = true;
      how.children_max = at;
    }
  if (made.has_more) {
    bool unused = true;
    auto free_part = finish(*root, how, allow_list::lesson, unused);
    if (!free_part)
      return tl::unexpected(free_part.error());
    made.free_html = std::move(*free_part);
  }
  return made;
}

std::optional<refusal> refusal_of(const render_input& input) {
  const auto made = render_lesson(input);
  if (made)
    return std::nullopt;
  refusal no{0, made.error().detail};
  constexpr std::string_view line = "line ";
  if (no.why.starts_with(line)) {
    const auto* end = no.why.data() + no.why.size();
    const auto [rest, bad] = std::from_chars(no.why.data() + line.size(), end, no.line);
    if (bad == std::errc{} && rest != end)
      no.why = "this line " + std::string(rest + 1, end); // the fault names the line as the file counts it
  }
  return no;
}

expected<rendered_text> render_comment(std::string_view markdown) {
  auto text = prepare(markdown, comment_bytes_max);
  if (!text)
    return tl::unexpected(text.error());
  auto root = parse_with_tables(*text);
  if (!root)
    return tl::unexpected(root.error());
  strike(*root, text->mark);
  find_tasks(*root);
  unmark_all(*root, text->mark);
  settle_comment(*root);

  rendered_text made;
  made.blocks = list_code(*root);
  const writing how{.bytes_max = output_max(markdown.size()), .link_rel = "nofollow ugc"};
  auto html = finish(*root, how, allow_list::comment, made.coloured);
  if (!html)
    return tl::unexpected(html.error());
  made.html = std::move(*html);
  made.coloured = false;
  return made;
}

} // namespace lyceum::views
