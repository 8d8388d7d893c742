// SPDX-License-Identifier: Apache-2.0
#include "storage/site_file.hpp"

#include "storage/model/colour.hpp"
#include "storage/moments.hpp"
#include "storage/words.hpp"

#include <algorithm>
#include <array>
#include <toml++/toml.h>

namespace lyceum::storage {
namespace {

constexpr std::array<std::string_view, 10> known_keys = {"title",  "description",  "language",   "timezone", "author",
                                                         "accent", "trusted_html", "navigation", "plans",    "policy"};
constexpr std::size_t value_bytes_max = 2000;
constexpr std::size_t navigation_max = 50;

class reader {
public:
  explicit reader(parsed_site& out) : out_(out) {}

  void read(const toml::table& table) {
    for (const auto& [key, value] : table)
      take(key.str(), value);
    if (out_.site.title.empty())
      fail(0, "title is missing: write title = \"…\"");
  }

  void fail(int line, std::string message) {
    out_.faults.push_back({"site.toml", line, fault::severity::error, std::move(message)});
  }

private:
  static int line(const toml::node& n) { return static_cast<int>(n.source().begin.line); }

  void take(std::string_view key, const toml::node& value) {
    site_info& s = out_.site;
    if (key == "title")
      s.title = text(key, value);
    else if (key == "description")
      s.description = text(key, value);
    else if (key == "author")
      s.author = text(key, value);
    else if (key == "language")
      language(value);
    else if (key == "timezone")
      timezone(value);
    else if (key == "accent")
      accent(value);
    else if (key == "trusted_html")
      trust(value);
    else if (key == "navigation")
      navigation(value);
    else if (std::find(known_keys.begin(), known_keys.end(), key) == known_keys.end())
      unknown(key, value);
  }

  std::string text(std::string_view key, const toml::node& value) {
    const auto v = value.value<std::string>();
    if (!value.is_string() || !v) {
      fail(line(value), std::string(key) + " is a text in quotes");
      return {};
    }
    if (v->size() > value_bytes_max) {
      fail(line(value), std::string(key) + " is longer than " + std::to_string(value_bytes_max) + " bytes");
      return {};
    }
    return std::string(trimmed(*v));
  }

  void language(const toml::node& value) {
    const std::string tag = lower_ascii(text("language", value));
    if (is_language(tag))
      out_.site.language = tag;
    else
      fail(line(value), "language is \"" + tag + "\"; it must be a language tag such as \"en\" or \"zh-hans\"");
  }
  void timezone(const toml::node& value) {
    const std::string zone = text("timezone", value);
    if (is_timezone(zone))
      out_.site.timezone = zone;
    else
      fail(line(value),
           "timezone is \"" + zone + "\", which this machine does not know; write one such as \"Europe/Paris\"");
  }
  void accent(const toml::node& value) {
    const std::string colour = text("accent", value);
    if (colour.empty() || is_colour(colour)) {
      out_.site.accent = colour;
      return;
    }
    std::string message = "accent is \"" + colour.substr(0, 80) +
                          "\"; it must be a colour of CSS such as \"#2a6f97\", \"teal\" or \"oklch(0.5 0.1 230)\"";
    if (const auto like = nearest(colour, colour_names()))
      message += "; did you mean \"" + std::string(*like) + "\"?";
    fail(line(value), std::move(message));
  }
  void trust(const toml::node& value) {
    if (const auto v = value.value<bool>(); value.is_boolean() && v)
      out_.site.trusted_html = *v;
    else
      fail(line(value), "trusted_html is true or false");
  }

  void navigation(const toml::node& value) {
    const auto* list = value.as_array();
    if (!list || list->size() > navigation_max)
      return fail(line(value), "navigation is a list of at most " + std::to_string(navigation_max) +
                                   " entries: [{ title = \"…\", url = \"/…\" }]");
    for (const auto& entry : *list) {
      const auto* pair = entry.as_table();
      const auto title = pair ? (*pair)["title"].value<std::string>() : std::nullopt;
      const auto url = pair ? (*pair)["url"].value<std::string>() : std::nullopt;
      if (!title || !url || title->empty() || title->size() > value_bytes_max || url->size() > value_bytes_max)
        fail(line(entry), "an entry of navigation is { title = \"…\", url = \"/…\" }");
      else if (!is_safe(*url))
        fail(line(entry), "the URL \"" + *url + "\" must start with /, https://, http:// or mailto:");
      else
        out_.site.navigation.push_back({*title, *url});
    }
  }
  static bool is_safe(std::string_view url) {
    return url.starts_with('/') || url.starts_with("https://") || url.starts_with("http://") ||
           url.starts_with("mailto:");
  }

  void unknown(std::string_view key, const toml::node& value) {
    std::string message = "unknown key \"" + std::string(key.substr(0, 80)) + "\"";
    if (const auto like = nearest(key, known_keys))
      message += "; did you mean \"" + std::string(*like) + "\"?";
    out_.faults.push_back({"site.toml", line(value), fault::severity::warning, message});
  }

  parsed_site& out_;
};

} // namespace

bool parsed_site::ok() const {
  return std::none_of(faults.begin(), faults.end(), [](const fault& f) { return f.how == fault::severity::error; });
}

parsed_site parse_site(std::string_view text) {
  parsed_site out;
  out.site.title.clear();
  reader into(out);
  if (text.size() > 256 * 1024) {
    into.fail(0, "site.toml is larger than 256 KiB");
    return out;
  }
  if (const auto bad = first_bad_utf8(text)) {
    into.fail(line_of(text, *bad), "site.toml is not UTF-8");
    return out;
  }
  try {
    into.read(toml::parse(text, std::string_view("site.toml")));
  } catch (const toml::parse_error& e) {
    into.fail(static_cast<int>(e.source().begin.line), "not TOML: " + std::string(e.description()));
  }
  return out;
}

} // namespace lyceum::storage
