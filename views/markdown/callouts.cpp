// SPDX-License-Identifier: Apache-2.0
#include "views/markdown/passes.hpp"

#include <array>

namespace lyceum::views::markdown {
namespace {

struct callout_kind {
  std::string_view written; ///< in the text
  std::string_view name;    ///< its class
  std::string_view title;   ///< where the author gives none
};
constexpr std::array<callout_kind, 5> callouts = {{
    {"[!NOTE]", "note", "Note"},
    {"[!TIP]", "tip", "Tip"},
    {"[!IMPORTANT]", "important", "Important"},
    {"[!WARNING]", "warning", "Warning"},
    {"[!CAUTION]", "caution", "Caution"},
}};

bool starts_with_word(std::string_view text, std::string_view word) {
  if (text.size() < word.size())
    return false;
  for (std::size_t i = 0; i < word.size(); ++i)
    if ((text[i] >= 'a' && text[i] <= 'z' ? text[i] - 32 : text[i]) != word[i])
      return false;
  return true;
}

/// The first line of the first paragraph names the kind; the rest of that line is the title.
void try_callout(node& quote) {
  if (quote.children.empty() || quote.children[0].what != kind::paragraph)
    return;
  auto& inlines = quote.children[0].children;
  if (inlines.empty() || inlines[0].what != kind::text)
    return;
  for (const auto& one : callouts) {
    if (!starts_with_word(inlines[0].text, one.written))
      continue;
    std::size_t end = 0;
    while (end < inlines.size() && inlines[end].what != kind::soft_break && inlines[end].what != kind::line_break)
      ++end;
    inlines[0].text.erase(0, one.written.size());
    std::string title;
    for (std::size_t i = 0; i < end; ++i)
      title += plain_text(inlines[i]);
    const auto from = title.find_first_not_of(' ');
    quote.what = kind::callout;
    quote.text = one.name;
    quote.title = from == std::string::npos ? std::string(one.title) : title.substr(from);
    inlines.erase(inlines.begin(), inlines.begin() + static_cast<std::ptrdiff_t>(std::min(end + 1, inlines.size())));
    if (inlines.empty())
      quote.children.erase(quote.children.begin());
    return;
  }
}

} // namespace

void find_callouts(node& root) {
  for (auto& child : root.children)
    find_callouts(child);
  if (root.what == kind::quote)
    try_callout(root);
}

} // namespace lyceum::views::markdown
