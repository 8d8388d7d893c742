// SPDX-License-Identifier: Apache-2.0
#include "views/highlight.hpp"

#include <array>
#include <optional>

namespace lyceum::views {
namespace {

/// Classes of the program that we keep: numbers, escapes, strings, comments, preprocessor, keywords.
constexpr std::array<std::string_view, 14> classes = {"num", "esc", "str", "pps", "slc", "com", "ppc",
                                                      "ipl", "kwa", "kwb", "kwc", "kwd", "kwe", "kwf"};
/// And that it may write, but that we leave uncoloured: operators and symbols are half of all spans.
constexpr std::array<std::string_view, 3> plain_classes = {"opt", "lin", "err"};

constexpr std::string_view open_start = "<span class=\"hl ";
constexpr std::string_view close = "</span>";

void append_escaped(std::string& out, char c) {
  if (c == '&')
    out += "&amp;";
  else if (c == '<')
    out += "&lt;";
  else if (c == '>')
    out += "&gt;";
  else if (c == '"')
    out += "&quot;";
  else
    out += c;
}

std::string plain(std::string_view code) {
  std::string out;
  for (const char c : code)
    append_escaped(out, c);
  return out;
}

/// The character at the start of `text` and how long it is written; 0 when it is not what the program would write.
std::pair<char, std::size_t> read_character(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, char>, 7> references = {{{"&amp;", '&'},
                                                                            {"&lt;", '<'},
                                                                            {"&gt;", '>'},
                                                                            {"&quot;", '"'},
                                                                            {"&apos;", '\''},
                                                                            {"&#39;", '\''},
                                                                            {"&#64;", '@'}}};
  if (text[0] != '&')
    return {text[0], text[0] == '<' || text[0] == '>' ? 0 : 1};
  for (const auto& [written, c] : references)
    if (text.starts_with(written))
      return {c, written.size()};
  return {'&', 0};
}

/// The class that `tag` names; empty for a plain one; nothing when it is none of the program's.
std::optional<std::string_view> class_of(std::string_view tag) {
  for (const auto name : classes)
    if (tag == name)
      return name;
  for (const auto name : plain_classes)
    if (tag == name)
      return std::string_view{};
  return std::nullopt;
}

class colour_writer {
public:
  void put(std::string_view name, char c) {
    const bool space = c == ' ' || c == '\n' || c == '\t';
    if (!space && name != open_)
      turn_to(name);
    append_escaped(out_, c);
  }

  std::string finish() && {
    turn_to({});
    return std::move(out_);
  }

private:
  /// White space at a span's end goes behind it, so that spans end where words do.
  void turn_to(std::string_view name) {
    if (name == open_)
      return;
    if (!open_.empty()) {
      auto end = out_.find_last_not_of(" \n\t") + 1;
      out_.insert(end, close);
    }
    if (!name.empty())
      out_.append(open_start).append(name).append("\">");
    open_ = name;
  }

  std::string out_;
  std::string_view open_;
};

} // namespace

std::string checked_colours(std::string_view fragment, std::string_view code) {
  colour_writer writer;
  std::vector<std::string_view> open;
  std::size_t matched = 0;
  while (!fragment.empty()) {
    if (fragment.starts_with(close)) {
      if (open.empty())
        return plain(code);
      open.pop_back();
      fragment.remove_prefix(close.size());
    } else if (fragment.starts_with(open_start)) {
      fragment.remove_prefix(open_start.size());
      const auto name = class_of(fragment.substr(0, std::min(fragment.find("\">"), fragment.size())));
      if (!name || open.size() > 8)
        return plain(code);
      open.push_back(*name);
      fragment.remove_prefix(fragment.find("\">") + 2);
    } else {
      const auto [c, length] = read_character(fragment);
      // The program ends its output with a line end that the code may lack.
      if (matched == code.size() && fragment.find_first_not_of('\n') == std::string_view::npos)
        break;
      if (length == 0 || matched >= code.size() || code[matched] != c)
        return plain(code);
      writer.put(open.empty() ? std::string_view{} : open.back(), c);
      ++matched;
      fragment.remove_prefix(length);
    }
  }
  const auto rest = code.substr(matched);
  if (!open.empty() || rest.find_first_not_of('\n') != std::string_view::npos)
    return plain(code);
  for (const char c : rest)
    writer.put({}, c);
  return std::move(writer).finish();
}

} // namespace lyceum::views
