// SPDX-License-Identifier: Apache-2.0
#include "views/markdown/passes.hpp"
#include "views/slug.hpp"

#include <algorithm>

namespace lyceum::views::markdown {
namespace {

struct outliner {
  anchors ids;
  std::vector<int> open; ///< levels as written, of the headings above this one
  std::vector<heading> found;

  void visit(node& from) {
    for (auto& child : from.children) {
      if (child.what == kind::heading)
        add(child);
      else
        visit(child);
    }
  }

  void add(node& title) {
    while (!open.empty() && open.back() >= title.number)
      open.pop_back();
    open.push_back(title.number);
    title.number = std::min(static_cast<int>(open.size()) + 1, 6);
    std::string text = plain_text(title);
    title.title = ids.add(text);
    if (title.number <= 4)
      found.push_back({title.number, title.title, std::move(text)});
  }
};

} // namespace

std::vector<heading> outline(node& root) {
  outliner making;
  making.visit(root);
  return std::move(making.found);
}

} // namespace lyceum::views::markdown
