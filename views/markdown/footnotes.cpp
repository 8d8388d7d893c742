// SPDX-License-Identifier: Apache-2.0
#include "views/markdown/passes.hpp"

#include <algorithm>
#include <iterator>

namespace lyceum::views::markdown {
namespace {

/// Labels longer than this are text.
constexpr std::size_t label_max = 100;

/// The label of "[^label]" at the start of `text`; empty when there is none.
std::string_view label_at(std::string_view text) {
  if (!text.starts_with("[^"))
    return {};
  const auto end = text.find_first_of("] \t\n[", 2);
  if (end == std::string_view::npos || text[end] != ']' || end - 2 > label_max)
    return {};
  return text.substr(2, end - 2);
}

struct taker {
  std::string start; // two marks: guards.hpp
  node (*parse)(const std::string&);
  footnotes found;

  bool is_definition(const node& one) const {
    return one.what == kind::text && one.text.starts_with(start) &&
           !label_at(std::string_view(one.text).substr(start.size())).empty();
  }

  void visit(node& parent) {
    std::vector<node> kept;
    kept.reserve(parent.children.size());
    footnote* last = nullptr; // the definition that indented blocks would belong to
    for (auto& child : parent.children) {
      if (last && child.what == kind::code_block && !child.fenced) {
        auto more = parse(child.text).children;
        std::move(more.begin(), more.end(), std::back_inserter(last->body.children));
        continue;
      }
      last = nullptr;
      if (child.what != kind::paragraph)
        visit(child);
      else if (last = take(child); last && child.children.empty())
        continue;
      kept.push_back(std::move(child));
    }
    parent.children = std::move(kept);
  }

  /// Moves the definitions of a paragraph out of it; what stood above them stays. The last one taken, or null.
  footnote* take(node& paragraph) {
    auto& inlines = paragraph.children;
    const auto begins = [&](std::size_t i) {
      return is_definition(inlines[i]) &&
             (i == 0 || inlines[i - 1].what == kind::soft_break || inlines[i - 1].what == kind::line_break);
    };
    std::size_t first = 0;
    while (first < inlines.size() && !begins(first))
      ++first;
    footnote* last = nullptr;
    for (std::size_t i = first; i < inlines.size();) {
      std::size_t end = i + 1;
      while (end < inlines.size() && !begins(end))
        ++end;
      last = add(inlines, i, end);
      i = end;
    }
    if (last)
      inlines.resize(first > 0 ? first - 1 : 0); // and the line break before them
    return last;
  }

  footnote* add(std::vector<node>& inlines, std::size_t from, std::size_t to) {
    std::string& text = inlines[from].text;
    const std::string label(label_at(std::string_view(text).substr(start.size())));
    text.erase(0, start.size() + label.size() + 4); // [^ and ]:
    text.erase(0, std::min(text.find_first_not_of(" \t"), text.size()));
    const bool breaks = to < inlines.size() || inlines[to - 1].what == kind::soft_break;
    node body = make_node(kind::paragraph);
    const auto at = [&](std::size_t i) { return inlines.begin() + static_cast<std::ptrdiff_t>(i); };
    std::move(at(from), at(breaks && to - 1 > from ? to - 1 : to), std::back_inserter(body.children));
    const auto [place, fresh] = found.try_emplace(label, footnote{label, {}});
    if (fresh) // the first definition of a label counts, as with links
      place->second.body.children.push_back(std::move(body));
    return &place->second;
  }
};

/// "a[^1]b" to text, reference, text.
void refer(node& root, const footnotes& known, std::string_view mark) {
  std::vector<node> out;
  for (auto& child : root.children) {
    if (child.what != kind::text || child.text.find("[^") == std::string::npos) {
      if (child.what != kind::image && child.what != kind::link) // a link in a link is no HTML
        refer(child, known, mark);
      out.push_back(std::move(child));
      continue;
    }
    const std::string text = std::move(child.text);
    std::size_t from = 0;
    for (auto at = text.find("[^"); at != std::string::npos; at = text.find("[^", at + 1)) {
      const auto label = label_at(std::string_view(text).substr(at));
      const bool escaped = at >= mark.size() && text.compare(at - mark.size(), mark.size(), mark) == 0;
      if (label.empty() || escaped || !known.contains(label))
        continue;
      if (at > from)
        out.push_back(make_node(kind::text, text.substr(from, at - from)));
      out.push_back(make_node(kind::footnote_ref, std::string(label)));
      from = at + label.size() + 3;
    }
    if (from < text.size())
      out.push_back(make_node(kind::text, text.substr(from)));
  }
  root.children = std::move(out);
}

} // namespace

footnotes take_footnotes(node& root, std::string_view mark, node (*parse)(const std::string&)) {
  taker taking{std::string(mark).append(mark), parse, {}};
  taking.visit(root);
  auto notes = std::move(taking.found);
  if (notes.empty())
    return notes;
  refer(root, notes, mark);
  for (auto& [label, note] : notes)
    refer(note.body, notes, mark);
  return notes;
}

} // namespace lyceum::views::markdown
