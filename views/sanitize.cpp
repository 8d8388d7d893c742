// SPDX-License-Identifier: Apache-2.0
#include "views/sanitize.hpp"

#include "views/markdown/guards.hpp"
#include "views/sanitize_rules.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <utility>

namespace lyceum::views {
namespace {

using rules::is_listed;

constexpr std::size_t open_tags_max = 250;
constexpr std::size_t frames_max = 20;
constexpr std::string_view replacement = "\xEF\xBF\xBD"; // U+FFFD

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r';
}
char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](char c) { return lower(c); });
  return out;
}

/// UTF-8 without what HTML does not allow: each octet that is no UTF-8, and NUL, is U+FFFD; other controls go.
std::string scrub(std::string_view html) {
  const bool valid = markdown::is_utf8(html);
  std::string out;
  out.reserve(html.size());
  for (const char c : html) {
    const auto u = static_cast<unsigned char>(c);
    if (u == 0 || (u >= 0x80 && !valid))
      out += replacement;
    else if ((u >= 0x20 && u != 0x7F) || c == '\t' || c == '\n')
      out += c;
  }
  return out;
}

void append_utf8(std::string& out, unsigned long c) {
  const bool bad = c == 0 || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF) || (c >= 0x80 && c < 0xA0) ||
                   (c < 0x20 && c != '\t' && c != '\n') || c == 0x7F;
  if (bad) {
    out += replacement;
  } else if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xC0 | (c >> 6));
    out += static_cast<char>(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    out += static_cast<char>(0xE0 | (c >> 12));
    out += static_cast<char>(0x80 | ((c >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (c & 0x3F));
  } else {
    out += static_cast<char>(0xF0 | (c >> 18));
    out += static_cast<char>(0x80 | ((c >> 12) & 0x3F));
    out += static_cast<char>(0x80 | ((c >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (c & 0x3F));
  }
}

/// A character reference at `at`, which is a '&'.
struct reference {
  std::size_t length = 0; ///< 0: none
  bool named = false;
  std::string text; ///< what a number stands for; of a name, itself
};

reference read_reference(std::string_view html, std::size_t at) {
  std::size_t p = at + 1;
  if (p < html.size() && html[p] == '#') {
    ++p;
    const bool hex = p < html.size() && lower(html[p]) == 'x';
    p += hex ? 1 : 0;
    const std::size_t first = p;
    unsigned long c = 0;
    for (; p < html.size() && p - first < 8; ++p) {
      const char d = lower(html[p]);
      if (is_digit(d))
        c = c * (hex ? 16 : 10) + static_cast<unsigned long>(d - '0');
      else if (hex && d >= 'a' && d <= 'f')
        c = c * 16 + static_cast<unsigned long>(d - 'a' + 10);
      else
        break;
    }
    if (p == first || p >= html.size() || html[p] != ';')
      return {};
    reference found{p + 1 - at, false, {}};
    append_utf8(found.text, c);
    return found;
  }
  while (p < html.size() && p - at < 32 && (is_letter(html[p]) || is_digit(html[p])))
    ++p;
  if (p == at + 1 || p >= html.size() || html[p] != ';' || !is_letter(html[at + 1]))
    return {};
  return {p + 1 - at, true, std::string(html.substr(at + 1, p - at - 1))};
}

/// The names that could hide something in a URL, and those that we write ourselves. Others stay as they are.
constexpr std::array<std::pair<std::string_view, std::string_view>, 12> names = {{
    {"amp", "&"},
    {"lt", "<"},
    {"gt", ">"},
    {"quot", "\""},
    {"apos", "'"},
    {"colon", ":"},
    {"Tab", "\t"},
    {"NewLine", "\n"},
    {"sol", "/"},
    {"num", "#"},
    {"nbsp", "\xC2\xA0"},
    {"quest", "?"},
}};

std::string decode(std::string_view value) {
  std::string out;
  for (std::size_t p = 0; p < value.size();) {
    const auto found = value[p] == '&' ? read_reference(value, p) : reference{};
    if (found.length == 0) {
      out += value[p++];
      continue;
    }
    const auto name =
        std::find_if(names.begin(), names.end(), [&](const auto& one) { return one.first == found.text; });
    if (!found.named)
      out += found.text;
    else if (name != names.end())
      out += name->second;
    else
      out += value.substr(p, found.length);
    p += found.length;
  }
  return out;
}

void append_escaped(std::string& out, std::string_view plain, bool quotes) {
  for (const char c : plain) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '"' && quotes)
      out += "&quot;";
    else
      out += c;
  }
}

struct tag_token {
  bool end = false;
  std::string name;
  std::vector<std::pair<std::string, std::string>> attributes; ///< values decoded
  std::size_t length = 0;
};

/// A tag at `at`, which is a '<', by a stricter grammar than browsers have: no '<' inside, '/' only before '>', quotes
/// closed. What it does not take becomes text, so there is nothing that a browser could read in another way.
std::optional<tag_token> read_tag(std::string_view html, std::size_t at) {
  tag_token tag;
  std::size_t p = at + 1;
  const auto skip_space = [&] {
    const auto from = p;
    while (p < html.size() && is_space(html[p]))
      ++p;
    return p > from;
  };
  if (p < html.size() && html[p] == '/') {
    tag.end = true;
    ++p;
  }
  const auto name = p;
  while (p < html.size() &&
         (is_letter(html[p]) || (p > name && (is_digit(html[p]) || html[p] == '-' || html[p] == ':'))))
    ++p;
  if (p == name)
    return std::nullopt;
  tag.name = lower(html.substr(name, p - name));
  for (;;) {
    const bool spaced = skip_space();
    if (p >= html.size())
      return std::nullopt;
    if (html[p] == '>' || (html[p] == '/' && p + 1 < html.size() && html[p + 1] == '>')) {
      tag.length = p + (html[p] == '/' ? 2 : 1) - at;
      return tag;
    }
    if (!spaced)
      return std::nullopt;
    const auto first = p;
    while (p < html.size() && !is_space(html[p]) && std::string_view("\"'<>/=").find(html[p]) == std::string_view::npos)
      ++p;
    if (p == first)
      return std::nullopt;
    auto& [attribute, value] = tag.attributes.emplace_back(lower(html.substr(first, p - first)), "");
    const auto before = p;
    skip_space();
    if (p >= html.size() || html[p] != '=') {
      p = before;
      continue;
    }
    ++p;
    skip_space();
    if (p >= html.size())
      return std::nullopt;
    const char quote = html[p] == '"' || html[p] == '\'' ? html[p++] : '\0';
    const auto from = p;
    while (p < html.size() && html[p] != '<' && (quote ? html[p] != quote : !is_space(html[p]) && html[p] != '>'))
      ++p;
    const auto raw = html.substr(from, p - from);
    if (p >= html.size() || html[p] == '<' ||
        (!quote && (raw.empty() || raw.find_first_of("\"'=`") != std::string_view::npos)))
      return std::nullopt;
    value = decode(raw);
    p += quote ? 1 : 0;
  }
}

std::optional<frame> frame_of(const tag_token& tag) {
  frame found;
  for (const auto& [name, value] : tag.attributes) {
    if (name == "src" && found.src.empty())
      found.src = value;
    else if (name == "title" && found.title.empty())
      found.title = value;
  }
  if (found.src.starts_with("//"))
    found.src.insert(0, "https:");
  if (!found.src.starts_with("https://") && !found.src.starts_with("http://"))
    return std::nullopt;
  return found;
}

std::string_view first_of(const tag_token& tag, std::string_view attribute) {
  const auto at = std::find_if(tag.attributes.begin(), tag.attributes.end(),
                               [&](const auto& one) { return one.first == attribute; });
  return at == tag.attributes.end() ? std::string_view{} : std::string_view(at->second);
}

/// The address of another host that a picture, film or sound would be loaded from and a link may lead to; else empty.
std::string_view elsewhere_of(std::string_view name, const tag_token& tag) {
  if (name != "img" && name != "video" && name != "audio")
    return {};
  const auto url = first_of(tag, "src");
  return rules::is_elsewhere(url) && rules::is_safe_url(url, true) ? url : std::string_view{};
}

class sanitiser {
public:
  sanitiser(std::string_view html, allow_list list) : html_(html), lower_(lower(html)), list_(list) {
    out_.reserve(html.size() + 64);
  }

  std::string run() && {
    while (at_ < html_.size()) {
      if (html_[at_] == '<')
        markup();
      else
        text();
    }
    while (!open_.empty())
      close_last();
    return std::move(out_);
  }

private:
  void text() {
    const auto end = std::min(html_.find('<', at_), html_.size());
    for (; at_ < end;) {
      const auto found = html_[at_] == '&' ? read_reference(html_, at_) : reference{};
      if (dropping_.empty()) {
        if (found.length == 0)
          append_escaped(out_, html_.substr(at_, 1), false);
        else if (found.named)
          out_ += html_.substr(at_, found.length);
        else
          append_escaped(out_, found.text, false);
      }
      at_ += std::max<std::size_t>(found.length, 1);
    }
  }

  void markup() {
    const auto rest = html_.substr(at_);
    if (rest.starts_with("<!--") && skip_past("-->", 4))
      return;
    if (!rest.starts_with("<!--") && (rest.starts_with("<!") || rest.starts_with("<?")) && skip_past(">", 2))
      return;
    if (const auto tag = read_tag(html_, at_)) {
      at_ += tag->length;
      return tag->end ? end_tag(tag->name) : start_tag(*tag);
    }
    if (dropping_.empty())
      out_ += "&lt;";
    ++at_;
  }

  /// Moves past `end`, searched from `from` octets on. Once there is none, none is looked for again: linear in all.
  bool skip_past(std::string_view end, std::size_t from) {
    if (missing_.contains(end))
      return false;
    const auto found = html_.find(end, at_ + from);
    if (found == std::string_view::npos) {
      missing_.insert(std::string(end));
      return false;
    }
    at_ = found + end.size();
    return true;
  }

  /// Past the end tag of an element that holds raw text; nothing where it has none.
  void skip_raw_text(const std::string& name) {
    const std::string end = "</" + name;
    if (missing_.contains(end))
      return;
    for (auto found = lower_.find(end, at_); found != std::string::npos; found = lower_.find(end, found + 1)) {
      const auto after = found + end.size();
      if (after >= lower_.size() || !(is_space(lower_[after]) || lower_[after] == '>' || lower_[after] == '/'))
        continue;
      const auto close = lower_.find('>', after);
      if (close == std::string::npos)
        break;
      at_ = close + 1;
      return;
    }
    missing_.insert(end);
  }

  void start_tag(const tag_token& token) {
    if (rules::holds_raw_text(token.name)) {
      if (token.name == "iframe" && dropping_.empty())
        link_to_frame(token);
      return skip_raw_text(token.name);
    }
    if (rules::drops_content(token.name)) {
      if (dropping_.empty() || dropping_ == token.name) {
        dropping_ = token.name;
        ++drop_depth_;
      }
      return;
    }
    if (!dropping_.empty())
      return;
    const auto* tag = rules::find_tag(token.name == "h1" ? "h2" : token.name, list_);
    if (!tag || !make_room(*tag))
      return;
    const auto begin = out_.size();
    (out_ += '<') += tag->name;
    if (!write_attributes(*tag, token)) {
      out_.resize(begin);
      return link_to_media(token);
    }
    out_ += '>';
    if (!tag->empty)
      open_.push_back(tag);
  }

  void end_tag(const std::string& name) {
    if (!dropping_.empty()) {
      if (name == dropping_ && --drop_depth_ == 0)
        dropping_.clear();
      return;
    }
    const auto* tag = rules::find_tag(name == "h1" ? "h2" : name, list_);
    if (tag && std::find(open_.begin(), open_.end(), tag) != open_.end())
      close_to(tag);
  }

  void close_last() {
    ((out_ += "</") += open_.back()->name) += '>';
    open_.pop_back();
  }

  void close_to(const rules::tag* tag) {
    while (open_.back() != tag)
      close_last();
    close_last();
  }

  /// Closes what `tag` ends without saying so (a paragraph before a block, an item before the next). False where it may
  /// not stand.
  bool make_room(const rules::tag& tag) {
    if (open_.size() >= open_tags_max)
      return false;
    const auto is_open = [&](std::string_view name) {
      return std::any_of(open_.begin(), open_.end(), [&](const auto* one) { return one->name == name; });
    };
    if (tag.name == "a" && is_open("a"))
      return false;
    if (!tag.parents.empty()) {
      auto keep = open_.size();
      while (keep > 0 && !is_listed(tag.parents, open_[keep - 1]->name)) {
        if (open_[keep - 1]->block && open_[keep - 1]->parents.empty() && open_[keep - 1]->name != "p")
          return false;
        --keep;
      }
      if (keep == 0)
        return false;
      while (open_.size() > keep)
        close_last();
    } else if (tag.block && is_open("p")) {
      // A paragraph holds no block, so whatever is open inside it is none.
      close_to(rules::find_tag("p", list_));
    }
    return true;
  }

  /// False where a tag must not stand without what it lacks.
  bool write_attributes(const rules::tag& tag, const tag_token& token) {
    std::set<std::string_view> seen;
    for (const auto& [name, value] : token.attributes) {
      if (!seen.insert(name).second)
        continue;
      auto right = rules::check_attribute(tag, name, value, list_);
      if (!right.keep || (name == "id" && !ids_.insert(value).second)) {
        seen.erase(name);
        continue;
      }
      if (tag.name == "input" && name == "disabled")
        continue;
      (out_ += ' ') += name;
      if (!right.flag) {
        out_ += "=\"";
        append_escaped(out_, right.value, true);
        out_ += '"';
      }
    }
    if (tag.name == "input")
      out_ += " disabled";
    if (tag.name == "a" && list_ == allow_list::comment)
      out_ += " rel=\"nofollow ugc\"";
    const bool loads = tag.name == "img" || tag.name == "source" || tag.name == "track";
    return (!loads || seen.contains("src")) && (tag.name != "input" || seen.contains("type")) &&
           elsewhere_of(tag.name, token).empty();
  }

  bool in_link() const {
    return std::any_of(open_.begin(), open_.end(), [](const auto* one) { return one->name == "a"; });
  }

  void link_to_frame(const tag_token& token) {
    if (const auto found = frame_of(token); found && !in_link() && list_ == allow_list::lesson)
      link_to(found->src, found->title);
  }

  /// What stands where a picture or film of another host was asked for.
  void link_to_media(const tag_token& token) {
    const std::string_view url = elsewhere_of(token.name, token);
    if (url.empty())
      return;
    const std::string_view words = first_of(token, token.name == "img" ? "alt" : "title");
    if (in_link())
      append_escaped(out_, words.empty() ? url : words, false);
    else
      link_to(url, words);
  }

  void link_to(std::string_view url, std::string_view words) {
    out_ += "<a href=\"";
    append_escaped(out_, url, true);
    out_ += "\">";
    append_escaped(out_, words.empty() ? url : words, false);
    out_ += "</a>";
  }

  std::string_view html_;
  std::string lower_;
  allow_list list_;
  std::string out_;
  std::size_t at_ = 0;
  std::vector<const rules::tag*> open_;
  std::string dropping_;                       ///< the element that is dropped with its content
  std::size_t drop_depth_ = 0;                 ///< and how many of its name are open
  std::set<std::string, std::less<>> missing_; ///< ends that do not come any more
  std::set<std::string, std::less<>> ids_;
};

} // namespace

std::string sanitize(std::string_view html, allow_list list) {
  const std::string clean = scrub(html);
  return sanitiser(clean, list).run();
}

bool is_elsewhere(std::string_view url) {
  return rules::is_elsewhere(url);
}

std::vector<frame> frames_in(std::string_view html) {
  std::vector<frame> found;
  for (auto at = html.find('<'); at != std::string_view::npos && found.size() < frames_max;
       at = html.find('<', at + 1)) {
    if (lower(html.substr(at, 7)) != "<iframe")
      continue;
    if (const auto tag = read_tag(html, at); tag && tag->name == "iframe")
      if (auto one = frame_of(*tag))
        found.push_back(std::move(*one));
  }
  return found;
}

} // namespace lyceum::views
