// SPDX-License-Identifier: Apache-2.0
#include "storage/front_matter.hpp"

#include "storage/front_matter_raw.hpp"
#include "storage/words.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <set>
#include <yaml-cpp/yaml.h>

namespace lyceum::storage {
namespace {

constexpr std::array<std::string_view, 14> known_keys = {"title",    "summary", "author",        "access",  "published",
                                                         "draft",    "tags",    "slug",          "video",   "duration",
                                                         "revision", "updated", "redirect_from", "language"};

struct other_name {
  std::string_view theirs;
  std::string_view ours; ///< empty: known and left aside
};
// What Elixir School's files call the same things.
constexpr std::array<other_name, 5> elixir_names = {{
    {"excerpt", "summary"},
    {"date", "published"},
    {"version", "revision"},
    {"author_link", ""},
    {"redirect_from", "redirect_from"},
}};

// The next line without its end; `rest` moves behind it.
std::string_view take_line(std::string_view& rest) {
  const auto end = rest.find('\n');
  std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  if (!line.empty() && line.back() == '\r')
    line.remove_suffix(1);
  return line;
}

std::string_view without_trailing_space(std::string_view line) {
  while (!line.empty() && (line.back() == ' ' || line.back() == '\t'))
    line.remove_suffix(1);
  return line;
}

raw_entry read_yaml_entry(const YAML::Node& key, const YAML::Node& value) {
  raw_entry e;
  // Marks count from 0 and the block starts in line 2.
  e.line = key.Mark().line + 2;
  e.key = key.IsScalar() ? key.Scalar() : std::string();
  if (value.IsScalar()) {
    e.what = raw_entry::shape::scalar;
    e.scalar = value.Scalar();
  } else if (value.IsSequence()) {
    e.what = raw_entry::shape::list;
    for (const auto& item : value) {
      if (e.items.size() > front_matter_list_max)
        break; // the schema complains
      if (!item.IsScalar()) {
        e.what = raw_entry::shape::other;
        break;
      }
      e.items.push_back(item.Scalar());
    }
  } else if (value.IsMap()) {
    e.what = raw_entry::shape::other;
  }
  return e;
}

raw_map read_yaml(std::string_view inside) {
  raw_map map;
  try {
    // The end of the document is stated, since a quote that is never closed would otherwise swallow the rest in silence.
    const YAML::Node root = YAML::Load(std::string(inside) + "\n...\n");
    if (root.IsNull())
      return map;
    if (!root.IsMap()) {
      map.faults.push_back(error_at(2, "front matter is a list of keys, each with its value: \"title: …\""));
      return map;
    }
    for (const auto& pair : root) {
      if (map.entries.size() >= front_matter_keys_max) {
        map.faults.push_back(error_at(1, "more than " + std::to_string(front_matter_keys_max) + " keys"));
        break;
      }
      map.entries.push_back(read_yaml_entry(pair.first, pair.second));
    }
  } catch (const YAML::Exception& e) {
    // Not beyond the last line: what is never closed is noticed only behind it.
    const int last = 1 + static_cast<int>(std::count(inside.begin(), inside.end(), '\n'));
    map.faults.push_back(
        error_at(std::min(std::max(0, e.mark.line) + 2, std::max(last, 2)), "front matter is not YAML: " + e.msg));
  }
  return map;
}

// "95", "1:35", "1:02:03", "1h 2m 3s", "PT1H2M3S"
std::optional<std::chrono::seconds> parse_duration(std::string_view text) {
  std::string folded = lower_ascii(trimmed(text));
  if (folded.starts_with("pt"))
    folded.erase(0, 2);
  std::int64_t total = 0;
  std::int64_t n = 0;
  int digits = 0;
  int colons = 0;
  bool units = false;
  for (const char c : folded) {
    if (c >= '0' && c <= '9') {
      if (++digits > 6)
        return std::nullopt;
      n = n * 10 + (c - '0');
    } else if (c == ':' && digits > 0 && !units && ++colons <= 2) {
      total = (total + n) * 60;
      n = 0;
      digits = 0;
    } else if ((c == 'h' || c == 'm' || c == 's') && digits > 0 && colons == 0) {
      total += n * (c == 'h' ? 3600 : c == 'm' ? 60 : 1);
      n = 0;
      digits = 0;
      units = true;
    } else if (c != ' ' || colons > 0) {
      return std::nullopt;
    }
  }
  if (digits == 0 && !units)
    return std::nullopt;
  if (units && digits > 0)
    return std::nullopt;
  total += n;
  if (total > 360000)
    return std::nullopt;
  return std::chrono::seconds(total);
}

// Puts raw entries into their places.
class schema {
public:
  schema(parsed_text& out, bool elixir) : out_(out), elixir_(elixir) {}

  void take(raw_entry e) {
    if (elixir_)
      for (const auto& name : elixir_names)
        if (e.key == name.theirs) {
          if (name.ours.empty())
            return;
          e.key = name.ours;
        }
    if (!seen_.insert(e.key).second)
      return fail(e, "\"" + e.key + "\" stands twice, first in line " + std::to_string(out_.head.lines[e.key]));
    out_.head.lines[e.key] = e.line;
    if (std::find(known_keys.begin(), known_keys.end(), e.key) == known_keys.end())
      return unknown(e);
    if (e.what == raw_entry::shape::nothing)
      return; // "title:" says as little as no title at all
    if (e.key == "tags" || e.key == "redirect_from")
      return list(e);
    if (e.what != raw_entry::shape::scalar)
      return fail(e, "\"" + e.key + "\" is a text, not a list or a map");
    if (e.scalar.size() > front_matter_scalar_max)
      return fail(e, "\"" + e.key + "\" is longer than " + std::to_string(front_matter_scalar_max) + " bytes");
    scalar(e, std::string(trimmed(e.scalar)));
  }

private:
  void fail(const raw_entry& e, std::string message) { out_.faults.push_back(error_at(e.line, std::move(message))); }

  void unknown(const raw_entry& e) {
    std::string message = "unknown key \"" + e.key.substr(0, 80) + "\"";
    if (const auto like = nearest(e.key, known_keys))
      message += "; did you mean \"" + std::string(*like) + "\"?";
    out_.faults.push_back(warning_at(e.line, message));
  }

  void list(raw_entry& e) {
    if (e.what == raw_entry::shape::scalar) { // "tags: elixir, otp"
      e.items.clear();
      for (std::string_view rest = e.scalar; !rest.empty();) {
        const auto comma = std::min(rest.find(','), rest.size());
        e.items.emplace_back(rest.substr(0, comma));
        rest.remove_prefix(std::min(comma + 1, rest.size()));
      }
    } else if (e.what != raw_entry::shape::list) {
      return fail(e, "\"" + e.key + "\" is a list of texts");
    }
    if (e.items.size() > front_matter_list_max)
      return fail(e, "\"" + e.key + "\" has more than " + std::to_string(front_matter_list_max) + " items");
    auto& into = e.key == "tags" ? out_.head.tags : out_.head.redirect_from;
    for (const auto& item : e.items) {
      const std::string text(trimmed(item));
      if (text.empty() || std::find(into.begin(), into.end(), text) != into.end())
        continue;
      if (text.size() > 200)
        return fail(e, "an item of \"" + e.key + "\" is longer than 200 bytes");
      into.push_back(text);
    }
  }

  void scalar(const raw_entry& e, std::string text) {
    front_matter& h = out_.head;
    if (e.key == "title")
      h.title = std::move(text);
    else if (e.key == "summary")
      h.summary = std::move(text);
    else if (e.key == "author")
      h.author = std::move(text);
    else if (e.key == "published")
      h.published = std::move(text);
    else if (e.key == "slug")
      h.slug = std::move(text);
    else if (e.key == "video")
      h.video = std::move(text);
    else if (e.key == "revision")
      h.revision = std::move(text);
    else if (e.key == "updated")
      h.updated = std::move(text);
    else if (e.key == "access")
      read_access(e, text);
    else if (e.key == "draft")
      read_draft(e, lower_ascii(text));
    else if (e.key == "duration")
      read_duration(e, text);
    else
      out_.faults.push_back(warning_at(e.line, "\"language\" is the file's name: NN-name.LANGUAGE.md"));
  }

  void read_access(const raw_entry& e, const std::string& text) {
    if (auto who = parse_access(text))
      out_.head.who = std::move(*who);
    else
      fail(e, who.error().detail);
  }
  void read_draft(const raw_entry& e, const std::string& text) {
    if (text == "true" || text == "yes" || text == "on")
      out_.head.draft = true;
    else if (text != "false" && text != "no" && text != "off")
      fail(e, "draft is \"" + text + "\"; it must be true or false");
  }
  void read_duration(const raw_entry& e, const std::string& text) {
    out_.head.duration = parse_duration(text);
    if (!out_.head.duration)
      fail(e, "duration is \"" + text + "\"; write it as 12:34, 1:02:03, 95 (seconds) or 1h 2m");
  }

  parsed_text& out_;
  bool elixir_;
  std::set<std::string, std::less<>> seen_;
};

void take_all(parsed_text& out, raw_map map, bool elixir) {
  out.head.stated = true;
  out.faults = std::move(map.faults);
  schema rules(out, elixir);
  for (auto& e : map.entries)
    rules.take(std::move(e));
}

void read_yaml_block(parsed_text& out, std::string_view bytes) {
  std::string_view rest = bytes;
  take_line(rest);
  const std::string_view inside = rest;
  out.head.stated = true;
  for (int line = 2; !rest.empty(); ++line) {
    const auto size = inside.size() - rest.size();
    if (size > front_matter_bytes_max)
      break;
    const auto text = without_trailing_space(take_line(rest));
    if (text == "---" || text == "...") {
      out.body = rest;
      out.body_line = line + 1;
      return take_all(out, read_yaml(inside.substr(0, size)), false);
    }
  }
  out.faults.push_back(error_at(1, "front matter opens here and does not end with a line of three dashes within " +
                                       std::to_string(front_matter_bytes_max / 1024) + " KiB"));
}

void read_elixir_block(parsed_text& out, std::string_view bytes) {
  std::string_view rest = bytes;
  out.head.stated = true;
  for (int line = 1; !rest.empty(); ++line) {
    const auto size = bytes.size() - rest.size();
    if (size > front_matter_bytes_max)
      break;
    if (without_trailing_space(take_line(rest)) != "---")
      continue;
    out.body = rest;
    out.body_line = line + 1;
    const auto map = trimmed(bytes.substr(0, size));
    if (!map.ends_with("}")) {
      out.faults.push_back(error_at(1, "the map that opens here does not end with } before the line of three dashes"));
      return;
    }
    return take_all(out, read_elixir_map(map.substr(2, map.size() - 3), 1), true);
  }
  out.faults.push_back(error_at(1, "the map that opens here has no line of three dashes after it within " +
                                       std::to_string(front_matter_bytes_max / 1024) + " KiB"));
}

// A heading's text without its marks of emphasis and code.
std::string plain_heading(std::string_view text) {
  while (!text.empty() && text.back() == '#')
    text.remove_suffix(1);
  std::string plain;
  for (const char c : trimmed(text))
    if (c != '`' && c != '*')
      plain += c;
  return plain;
}

// The first heading ("# Title", or a line underlined with === or ---) outside fenced code.
void read_first_heading(parsed_text& out) {
  std::string_view rest = out.body;
  std::string_view before;
  bool fenced = false;
  bool first = true;
  for (int line = out.body_line; !rest.empty(); ++line) {
    const std::string_view text = trimmed(take_line(rest));
    if (text.starts_with("```") || text.starts_with("~~~"))
      fenced = !fenced;
    const auto marks = std::min(text.find_first_not_of('#'), text.size());
    const bool atx = !fenced && marks >= 1 && marks <= 6 && (marks == text.size() || text[marks] == ' ');
    const bool underline = !fenced && !before.empty() && !text.empty() &&
                           (text.find_first_not_of('=') == std::string_view::npos ||
                            (text.size() > 2 && text.find_first_not_of('-') == std::string_view::npos));
    if (atx || underline) {
      out.head.title = plain_heading(atx ? text.substr(marks) : before);
      const bool top = atx ? marks == 1 : text.front() == '=';
      if (top && first && !out.head.title.empty()) {
        out.body = rest;
        out.body_line = line + 1;
      }
      if (!out.head.title.empty())
        return;
    }
    // Only what stands above everything else moves out of the text: the page shows it as its title.
    if (!before.empty() || fenced)
      first = false;
    before = fenced ? std::string_view() : text;
  }
}

} // namespace

int front_matter::line_of(std::string_view key) const {
  const auto known = lines.find(key);
  return known == lines.end() ? 1 : known->second;
}

bool parsed_text::ok() const {
  return std::none_of(faults.begin(), faults.end(), [](const fault& f) { return f.how == fault::severity::error; });
}

parsed_text parse_text(std::string_view bytes) {
  if (bytes.starts_with("\xef\xbb\xbf"))
    bytes.remove_prefix(3);
  parsed_text out;
  out.body = bytes;
  std::string_view rest = bytes;
  const auto first = without_trailing_space(take_line(rest));
  if (first == "---")
    read_yaml_block(out, bytes);
  else if (first.starts_with("%{"))
    read_elixir_block(out, bytes);
  else
    read_first_heading(out);
  if (out.head.stated && out.ok() && out.head.title.empty())
    out.faults.push_back(error_at(out.head.line_of("title"), "title is missing"));
  else if (!out.head.stated && out.head.title.empty())
    out.faults.push_back(
        error_at(1, "title is missing: start with a heading, or with front matter (---, title: …, ---)"));
  if (out.head.title.size() > 500)
    out.faults.push_back(error_at(out.head.line_of("title"), "title is longer than 500 bytes"));
  return out;
}

} // namespace lyceum::storage
