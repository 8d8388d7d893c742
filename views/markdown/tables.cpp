// SPDX-License-Identifier: Apache-2.0
#include "views/markdown/guards.hpp"
#include "views/markdown/passes.hpp"

#include <algorithm>

namespace lyceum::views::markdown {
namespace {

constexpr std::string_view em_space = "\xE2\x80\x83"; // see pending_text()

std::string_view trim(std::string_view s) {
  const auto from = s.find_first_not_of(" \t");
  if (from == std::string_view::npos)
    return {};
  return s.substr(from, s.find_last_not_of(" \t") - from + 1);
}

/// Cells as written, `\|` made `|`. Stops one past `columns_max`.
std::vector<std::string> split_row(std::string_view line) {
  line = trim(line);
  if (line.starts_with('|'))
    line.remove_prefix(1);
  std::vector<std::string> cells;
  std::string cell;
  bool ended = false; // by a pipe at the very end
  for (std::size_t p = 0; p < line.size() && cells.size() <= columns_max; ++p) {
    ended = false;
    if (line[p] == '\\' && p + 1 < line.size() && line[p + 1] == '|') {
      cell += '|';
      ++p;
    } else if (line[p] == '|') {
      cells.emplace_back(trim(cell));
      cell.clear();
      ended = true;
    } else {
      cell += line[p];
    }
  }
  if (!ended)
    cells.emplace_back(trim(cell));
  return cells;
}

/// The alignments that a row of dashes gives; empty where it is no such row.
std::vector<alignment> read_dashes(std::string_view line) {
  if (line.find('-') == std::string_view::npos || line.find_first_not_of(" \t|:-") != std::string_view::npos)
    return {};
  std::vector<alignment> columns;
  for (const auto& cell : split_row(line)) {
    std::string_view dashes = cell;
    const bool left = dashes.starts_with(':'), right = dashes.size() > 1 && dashes.ends_with(':');
    dashes.remove_prefix(left ? 1 : 0);
    dashes.remove_suffix(right ? 1 : 0);
    if (dashes.empty() || dashes.find_first_not_of('-') != std::string_view::npos)
      return {};
    columns.push_back(left && right ? alignment::centre
                      : left        ? alignment::left
                      : right       ? alignment::right
                                    : alignment::none);
  }
  return columns;
}

/// A paragraph's lines without what its containers put before them: white space, and as many '>' as there are quotes.
std::vector<std::string_view> own_lines(const node& paragraph, const std::vector<std::string_view>& lines, int quotes) {
  std::vector<std::string_view> own;
  const auto first = static_cast<std::size_t>(std::max(paragraph.first_line, 1));
  const auto last = std::min(static_cast<std::size_t>(std::max(paragraph.last_line, 0)), lines.size());
  for (std::size_t number = first; number <= last; ++number) {
    std::string_view line = lines[number - 1];
    if (number == first) {
      line.remove_prefix(std::min(line.size(), static_cast<std::size_t>(std::max(paragraph.first_column - 1, 0))));
    } else {
      for (int left = quotes; left >= 0; --left) {
        line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
        if (left == 0 || !line.starts_with('>'))
          break;
        line.remove_prefix(1);
      }
    }
    own.push_back(line);
  }
  return own;
}

struct finder {
  const std::vector<std::string_view>& lines;
  std::size_t cells = 0;
  std::string refused;

  void visit(node& parent, int quotes) {
    if (parent.what == kind::quote)
      ++quotes;
    for (std::size_t at = 0; at < parent.children.size() && refused.empty(); ++at) {
      if (parent.children[at].what == kind::paragraph)
        at += try_table(parent, at, quotes);
      else
        visit(parent.children[at], quotes);
    }
  }

  /// Returns how many nodes were put before the table: 1 where lines of the paragraph stood above it.
  std::size_t try_table(node& parent, std::size_t at, int quotes) {
    const auto own = own_lines(parent.children[at], lines, quotes);
    for (std::size_t i = 1; i < own.size(); ++i) {
      const auto columns = read_dashes(own[i]);
      if (columns.empty() ||
          (own[i].find('|') == std::string_view::npos && own[i - 1].find('|') == std::string_view::npos))
        continue;
      if (columns.size() > columns_max) {
        refused = at_line(parent.children[at].first_line + static_cast<int>(i) - 1,
                          "begins a table of more than " + std::to_string(columns_max) + " columns");
        return 0;
      }
      auto header = split_row(own[i - 1]);
      if (header.size() != columns.size())
        continue;
      node table = make_node(kind::table);
      add_row(table, std::move(header), columns);
      for (std::size_t row = i + 1; row < own.size() && refused.empty(); ++row)
        add_row(table, split_row(own[row]), columns);
      if (!refused.empty())
        refused = at_line(parent.children[at].first_line + static_cast<int>(i) - 1, refused);
      node lead = text_above(own, i - 1, parent.children[at]);
      parent.children[at] = std::move(table);
      if (lead.text.empty())
        return 0;
      parent.children.insert(parent.children.begin() + static_cast<std::ptrdiff_t>(at), std::move(lead));
      return 1;
    }
    return 0;
  }

  void add_row(node& table, std::vector<std::string> texts, const std::vector<alignment>& columns) {
    cells += columns.size();
    if (cells > cells_max) {
      refused = "begins a table with which the text has more than " + std::to_string(cells_max) + " cells";
      return;
    }
    node row = make_node(kind::row);
    texts.resize(columns.size());
    for (std::size_t i = 0; i < columns.size(); ++i) {
      node cell = make_node(kind::cell, std::move(texts[i]));
      cell.align = columns[i];
      cell.pending = true;
      row.children.push_back(std::move(cell));
    }
    table.children.push_back(std::move(row));
  }

  /// The paragraph that the lines above a table make. Link definitions, which cmark has taken, are not shown again.
  static node text_above(const std::vector<std::string_view>& own, std::size_t count, const node& paragraph) {
    node lead = make_node(kind::paragraph);
    std::size_t i = 0;
    if (!plain_text(paragraph).starts_with('['))
      while (i < count && own[i].starts_with('[') && own[i].find("]:") != std::string_view::npos)
        ++i;
    for (; i < count; ++i)
      lead.text.append(lead.text.empty() ? "" : "\n    ").append(own[i]); // so deep, no line starts another block
    lead.pending = true;
    return lead;
  }
};

template <class Node, class Visit>
void each_pending(Node& from, const Visit& visit) {
  if (from.pending)
    visit(from);
  else
    for (auto& child : from.children)
      each_pending(child, visit);
}

} // namespace

expected<void> find_tables(node& root, const std::vector<std::string_view>& lines) {
  finder search{lines, 0, {}};
  search.visit(root, 0);
  if (!search.refused.empty())
    return fail(problem::kind::too_large, search.refused);
  return {};
}

std::string pending_text(const node& root, std::size_t& count) {
  std::string source;
  count = 0;
  // White space to cmark, but kept by it: what follows is a paragraph, whatever it looks like.
  each_pending(root, [&](const node& one) {
    source.append(em_space).append(one.text).append("\n\n");
    ++count;
  });
  return source;
}

void place_pending(node& root, node& parsed) {
  auto next = parsed.children.begin();
  each_pending(root, [&](node& one) {
    one.children = std::move(next->children);
    if (!one.children.empty() && one.children.front().text.starts_with(em_space))
      one.children.front().text.erase(0, em_space.size());
    one.text.clear();
    one.pending = false;
    ++next;
  });
}

} // namespace lyceum::views::markdown
