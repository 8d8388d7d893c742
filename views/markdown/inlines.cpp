// SPDX-License-Identifier: Apache-2.0
#include "views/markdown/guards.hpp"
#include "views/markdown/passes.hpp"

#include <algorithm>
#include <array>

namespace lyceum::views::markdown {
namespace {

bool holds_inlines(kind what) {
  switch (what) {
  case kind::paragraph:
  case kind::heading:
  case kind::cell:
  case kind::emphasis:
  case kind::strong:
  case kind::link:
  case kind::image:
    return true;
  default:
    return false;
  }
}

/// A run of two tildes within one of the children.
struct tildes {
  std::size_t child = 0;
  std::size_t at = 0;
  bool opens = false;
  bool closes = false;
};

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n';
}

void find_tildes(const std::string& text, std::size_t child, std::string_view mark, bool first, bool last,
                 std::vector<tildes>& found) {
  for (std::size_t p = text.find('~'); p != std::string::npos;) {
    std::size_t end = p;
    while (end < text.size() && text[end] == '~')
      ++end;
    const bool escaped = p >= mark.size() && std::string_view(text).substr(p - mark.size(), mark.size()) == mark;
    if (end - p == 2 && !escaped) {
      const bool space_before = p == 0 ? first : is_space(text[p - 1]);
      const bool space_after = end == text.size() ? last : is_space(text[end]);
      found.push_back({child, p, !space_after, !space_before});
    }
    p = text.find('~', end);
  }
}

/// Children with each pair's inside moved into a strike node. Pairs do not nest, so one walk does.
void wrap(node& parent, const std::vector<std::pair<tildes, tildes>>& pairs) {
  std::vector<node> out;
  std::size_t child = 0, from = 0;
  auto& old = parent.children;
  const auto copy_until = [&](std::vector<node>& into, std::size_t end_child, std::size_t end) {
    for (; child < end_child; ++child, from = 0) {
      if (from == 0)
        into.push_back(std::move(old[child]));
      else if (from < old[child].text.size())
        into.push_back(make_node(kind::text, old[child].text.substr(from)));
    }
    if (end_child < old.size() && end > from)
      into.push_back(make_node(kind::text, old[child].text.substr(from, end - from)));
  };
  for (const auto& [open, close] : pairs) {
    copy_until(out, open.child, open.at);
    from = open.at + 2;
    node gone = make_node(kind::strike);
    copy_until(gone.children, close.child, close.at);
    from = close.at + 2;
    out.push_back(std::move(gone));
  }
  copy_until(out, old.size(), 0);
  old = std::move(out);
}

} // namespace

void strike(node& root, std::string_view mark) {
  for (auto& child : root.children)
    strike(child, mark);
  if (!holds_inlines(root.what))
    return;
  std::vector<tildes> runs;
  for (std::size_t i = 0; i < root.children.size(); ++i)
    if (const node& child = root.children[i]; child.what == kind::text)
      find_tildes(child.text, i, mark, i == 0, i + 1 == root.children.size(), runs);
  std::vector<std::pair<tildes, tildes>> pairs;
  for (std::size_t i = 0; i + 1 < runs.size(); ++i) {
    if (!runs[i].opens || !runs[i + 1].closes ||
        (runs[i].child == runs[i + 1].child && runs[i + 1].at == runs[i].at + 2))
      continue;
    pairs.emplace_back(runs[i], runs[i + 1]);
    ++i;
  }
  if (!pairs.empty())
    wrap(root, pairs);
}

void find_tasks(node& root) {
  for (auto& child : root.children)
    find_tasks(child);
  if (root.what != kind::item || root.children.empty() || root.children[0].what != kind::paragraph)
    return;
  auto& inlines = root.children[0].children;
  if (inlines.empty() || inlines[0].what != kind::text)
    return;
  auto& text = inlines[0].text;
  if (!text.starts_with("[ ] ") && !text.starts_with("[x] ") && !text.starts_with("[X] "))
    return;
  root.task = true;
  root.done = text[1] != ' ';
  text.erase(0, 4);
}

void unmark_all(node& root, std::string_view mark) {
  unmark(root.text, mark);
  unmark(root.title, mark);
  for (auto& child : root.children)
    unmark_all(child, mark);
}

namespace {

bool is_image_alone(const node& one) {
  return one.what == kind::paragraph && one.children.size() == 1 && one.children[0].what == kind::image &&
         !one.children[0].title.empty();
}

} // namespace

void find_figures(node& root) {
  for (auto& child : root.children) {
    // In a tight list the paragraph is not shown as one, so it stays what it is.
    if (is_image_alone(child) && root.what != kind::item)
      child.what = kind::figure;
    else
      find_figures(child);
  }
}

} // namespace lyceum::views::markdown
