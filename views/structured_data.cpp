// SPDX-License-Identifier: Apache-2.0
#include "views/structured_data.hpp"
#include "views/inline_code.hpp"

#include "views/languages.hpp"
#include "views/page_model.hpp"
#include "views/texts.hpp"
#include "views/url.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

namespace lyceum::views {
namespace {

namespace json = boost::json;

// A "</script>" in a title would end the element; "<!--" would change how the rest is read.
std::string escaped(const json::object& value) {
  std::string out;
  for (const char c : json::serialize(value)) {
    if (c == '<')
      out += "\\u003c";
    else if (c == '>')
      out += "\\u003e";
    else if (c == '&')
      out += "\\u0026";
    else
      out += c;
  }
  return out;
}

void set_text(json::object& to, std::string_view key, const std::string& text) {
  if (!text.empty())
    to[key] = text;
}

json::object thing(std::string_view type) {
  return {{"@context", "https://schema.org"}, {"@type", type}};
}

json::object organisation(const site_view& view) {
  return {{"@type", "Organization"},
          {"name", view.site.title},
          {"url", absolute(view, url::home(view.site.language, view.site.language))}};
}

// The rules for paywalled pages of the search engines: say so, and name the part that is missing.
void set_access(json::object& to, const access& what, bool open) {
  to["isAccessibleForFree"] = what.who == access::kind::everyone;
  if (!open)
    to["hasPart"] =
        json::object{{"@type", "WebPageElement"}, {"isAccessibleForFree", false}, {"cssSelector", ".locked"}};
}

json::object film_data(const site_view& view, const lesson& l) {
  const video& film = *l.film;
  json::object out{{"@type", "VideoObject"},
                   {"name", without_code_marks(l.title)},
                   {"description", without_code_marks(l.summary).empty() ? l.title : l.summary},
                   {"uploadDate", iso_time(l.published_at)},
                   {"contentUrl", absolute(view, url::media(film.file.key, film.file.name))}};
  if (film.duration.count() > 0)
    out["duration"] = iso_duration(film.duration);
  if (film.poster)
    out["thumbnailUrl"] = absolute(view, url::media(film.poster->key, film.poster->name));
  return out;
}

} // namespace

std::string site_data(const site_view& view) {
  json::object out = thing("WebSite");
  out["name"] = view.site.title;
  set_text(out, "description", view.site.description);
  out["inLanguage"] = canonical_tag(view.language);
  out["url"] = absolute(view, url::home(view.language, view.site.language));
  return escaped(out);
}

std::string course_data(const site_view& view, const course& c) {
  json::object out = thing("Course");
  out["name"] = without_code_marks(c.title);
  out["description"] = without_code_marks(c.summary.empty() ? c.title : c.summary);
  out["inLanguage"] = canonical_tag(c.language);
  out["url"] = absolute(view, url::course(c.slug, c.language, view.site.language));
  out["provider"] = organisation(view);
  out["dateModified"] = iso_time(c.updated_at);
  set_access(out, c.who, true);
  json::array parts;
  for (const auto& l : c.lessons)
    parts.push_back(json::object{{"@type", "LearningResource"},
                                 {"name", without_code_marks(l.title)},
                                 {"url", absolute(view, url::lesson(c.slug, l.slug, c.language, view.site.language))},
                                 {"isAccessibleForFree", l.who.who == access::kind::everyone}});
  out["hasPart"] = std::move(parts);
  return escaped(out);
}

std::string lesson_data(const site_view& view, const lesson& l, bool open) {
  json::object out = thing("LearningResource");
  out["name"] = without_code_marks(l.title);
  set_text(out, "description", without_code_marks(l.summary));
  out["inLanguage"] = canonical_tag(l.language);
  out["url"] = absolute(view, url::lesson(l.course_slug, l.slug, l.language, view.site.language));
  out["learningResourceType"] = "lesson";
  out["timeRequired"] = iso_duration(std::chrono::minutes{std::max(l.reading_minutes, 1)});
  out["datePublished"] = iso_time(l.published_at);
  out["dateModified"] = iso_time(l.updated_at);
  if (!l.author.empty())
    out["author"] = json::object{{"@type", "Person"}, {"name", l.author}};
  out["isPartOf"] = json::object{{"@type", "Course"},
                                 {"name", without_code_marks(l.course_title)},
                                 {"url", absolute(view, url::course(l.course_slug, l.language, view.site.language))}};
  set_access(out, l.who, open);
  if (open && l.film)
    out["video"] = film_data(view, l);
  return escaped(out);
}

std::string article_data(const site_view& view, const article& a, bool open) {
  json::object out = thing("Article");
  out["headline"] = without_code_marks(a.title);
  set_text(out, "description", without_code_marks(a.summary));
  out["inLanguage"] = canonical_tag(a.language);
  out["url"] = absolute(view, url::article(a.slug, a.language, view.site.language));
  out["datePublished"] = iso_time(a.published_at);
  out["dateModified"] = iso_time(a.updated_at);
  if (!a.author.empty())
    out["author"] = json::object{{"@type", "Person"}, {"name", a.author}};
  out["publisher"] = organisation(view);
  set_access(out, a.who, open);
  return escaped(out);
}

} // namespace lyceum::views
