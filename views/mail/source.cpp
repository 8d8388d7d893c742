// SPDX-License-Identifier: Apache-2.0
#include "views/mail/source.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace lyceum::views::mail {
namespace {

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos)
    return {};
  return text.substr(first, text.find_last_not_of(" \t\r") + 1 - first);
}

struct prefix {
  std::string_view mark;
  line_kind what;
};
constexpr std::array prefixes{
    prefix{"subject: ", line_kind::subject}, prefix{"preview: ", line_kind::preview}, prefix{"# ", line_kind::heading},
    prefix{"[button] ", line_kind::button},  prefix{"[code] ", line_kind::code},      prefix{"-- ", line_kind::footer},
    prefix{"- ", line_kind::fact},
};

class parser {
public:
  parser(const kind& of, bool strict) : of_(of), strict_(strict) {}

  void read(std::string_view text) {
    while (!text.empty() && !fault_) {
      const auto end = std::min(text.find('\n'), text.size());
      ++number_;
      read_line(trimmed(text.substr(0, end)));
      text.remove_prefix(std::min(end + 1, text.size()));
    }
  }

  tl::expected<source, source_fault> result() && {
    if (!fault_ && !open_.empty())
      refuse("{{#" + out_.lines[open_.back()].name + "}} is not closed");
    if (!fault_ && !has_subject_)
      refuse("there is no subject: outside of every section");
    if (fault_)
      return tl::unexpected(*fault_);
    return std::move(out_);
  }

private:
  void refuse(std::string what) {
    if (!fault_)
      fault_ = source_fault{std::max(number_, 1), std::move(what)};
  }

  void read_line(std::string_view line) {
    const bool goes_on = std::exchange(may_go_on_, false);
    if (line.empty() || line.starts_with("{{!"))
      return;
    if (line.starts_with("{{#") || line.starts_with("{{^") || line.starts_with("{{/"))
      return read_section(line);
    source_line made;
    for (const auto& [mark, what] : prefixes)
      if (line.starts_with(mark)) {
        made.what = what;
        line = trimmed(line.substr(mark.size()));
        break;
      }
    if (made.what == line_kind::button)
      return read_button(line);
    made.text = read_pieces(line);
    if (made.what == line_kind::fact)
      split_label(made);
    has_subject_ = has_subject_ || (made.what == line_kind::subject && open_.empty());
    may_go_on_ = made.what == line_kind::paragraph || made.what == line_kind::footer;
    if (goes_on && may_go_on_ && made.what == out_.lines.back().what) {
      auto& before = out_.lines.back().text;
      before.push_back({false, " "});
      before.insert(before.end(), made.text.begin(), made.text.end());
      return;
    }
    out_.lines.push_back(std::move(made));
  }

  void read_section(std::string_view line) {
    const auto close = line.find("}}");
    if (close == std::string_view::npos || close + 2 != line.size())
      return refuse("a section's tag stands alone on its line");
    const std::string name{trimmed(line.substr(3, close - 3))};
    source_line made;
    made.name = name;
    if (line[2] == '/') {
      if (open_.empty() || out_.lines[open_.back()].name != name)
        return refuse("{{/" + name + "}} closes nothing");
      made.what = line_kind::end;
      out_.lines[open_.back()].end = out_.lines.size();
      open_.pop_back();
    } else {
      if (!known(name, true) && strict_)
        return refuse("the mail has no '" + name + "'");
      made.what = line[2] == '#' ? line_kind::section : line_kind::section_without;
      open_.push_back(out_.lines.size());
    }
    out_.lines.push_back(std::move(made));
  }

  void read_button(std::string_view line) {
    const auto arrow = line.rfind(" -> ");
    if (arrow == std::string_view::npos)
      return refuse("a button is [button] label -> {{link}}");
    source_line made;
    made.what = line_kind::button;
    made.text = read_pieces(trimmed(line.substr(0, arrow)));
    const auto target = trimmed(line.substr(arrow + 4));
    if (!target.starts_with("{{") || !target.ends_with("}}") || target.size() < 5)
      return refuse("a button leads to a link of the mail's details: [button] label -> {{link}}");
    made.name = trimmed(target.substr(2, target.size() - 4));
    const auto* leads = find_member(made.name);
    if (leads != nullptr && leads->what != member_kind::link)
      return refuse("'" + made.name + "' is no link");
    if (leads == nullptr && strict_)
      return refuse("the mail has no '" + made.name + "'");
    if (leads != nullptr)
      out_.lines.push_back(std::move(made));
  }

  pieces read_pieces(std::string_view text) {
    pieces out;
    while (!text.empty() && !fault_) {
      const auto open = std::min(text.find("{{"), text.size());
      if (open > 0)
        out.push_back({false, std::string{text.substr(0, open)}});
      text.remove_prefix(open);
      if (text.empty())
        break;
      const auto close = text.find("}}");
      if (close == std::string_view::npos) {
        refuse("{{ without }}");
        break;
      }
      const std::string name{trimmed(text.substr(2, close - 2))};
      text.remove_prefix(close + 2);
      if (name.empty() || name.find_first_of("{}#^/!>&= ") != std::string::npos)
        refuse("{{" + name + "}}: only the name of a value stands within a line");
      else if (known(name, false))
        out.push_back({true, name});
      else if (strict_)
        refuse("the mail has no '" + name + "' to show here");
    }
    return out;
  }

  /// "Label: value" is told by the template's own ": ", never by a value's.
  static void split_label(source_line& fact) {
    for (std::size_t i = 0; i < fact.text.size(); ++i) {
      const auto colon = fact.text[i].is_name ? std::string::npos : fact.text[i].text.find(": ");
      if (colon == std::string::npos)
        continue;
      const auto at = fact.text.begin() + static_cast<std::ptrdiff_t>(i);
      fact.label.assign(fact.text.begin(), at);
      if (colon > 0)
        fact.label.push_back({false, fact.text[i].text.substr(0, colon)});
      pieces rest;
      if (colon + 2 < fact.text[i].text.size())
        rest.push_back({false, fact.text[i].text.substr(colon + 2)});
      rest.insert(rest.end(), at + 1, fact.text.end());
      fact.text = std::move(rest);
      return;
    }
  }

  const member* find_member(std::string_view name) const {
    const auto found = std::ranges::find(of_.members, name, &member::name);
    return found == of_.members.end() ? nullptr : &*found;
  }

  bool known(std::string_view name, bool as_section) const {
    const auto is_list = [](const member& m) { return m.what == member_kind::facts || m.what == member_kind::lines; };
    if (const auto* own = find_member(name))
      return as_section || (!is_list(*own) && own->what != member_kind::flag);
    if (as_section && name.starts_with("has_")) {
      const auto* list = find_member(name.substr(4));
      return list != nullptr && is_list(*list);
    }
    if (name == "site" || name == "site_url")
      return true;
    return std::ranges::any_of(open_, [&](std::size_t index) {
      const auto& section = out_.lines[index];
      const auto* list = section.what == line_kind::section ? find_member(section.name) : nullptr;
      if (list == nullptr)
        return false;
      return list->what == member_kind::facts ? name == "label" || name == "value"
                                              : list->what == member_kind::lines && name == ".";
    });
  }

  const kind& of_;
  bool strict_;
  int number_ = 0;
  bool may_go_on_ = false;
  bool has_subject_ = false;
  std::vector<std::size_t> open_;
  source out_;
  std::optional<source_fault> fault_;
};

} // namespace

tl::expected<source, source_fault> parse(std::string_view text, const kind& of, bool strict) {
  parser reading{of, strict};
  reading.read(text);
  return std::move(reading).result();
}

} // namespace lyceum::views::mail
