// SPDX-License-Identifier: Apache-2.0
#include "views/inline_code.hpp"
#include "views/languages.hpp"
#include "views/page_model.hpp"
#include "views/structured_data.hpp"
#include "views/texts.hpp"
#include "views/url.hpp"

#include <algorithm>

namespace lyceum::views {
namespace {

// Where this lesson stands among those of its course.
struct place {
  std::size_t index = 0;
  const lesson_entry* before = nullptr;
  const lesson_entry* after = nullptr;
  const lesson_entry* next_free = nullptr;
};

place place_of(const lesson& l) {
  place out;
  const auto& all = l.siblings;
  const auto here = std::find_if(all.begin(), all.end(), [&](const lesson_entry& e) { return e.slug == l.slug; });
  if (here == all.end())
    return out;
  out.index = static_cast<std::size_t>(here - all.begin());
  if (here != all.begin())
    out.before = &*std::prev(here);
  if (std::next(here) != all.end())
    out.after = &*std::next(here);
  const auto free = std::find_if(std::next(here), all.end(),
                                 [](const lesson_entry& e) { return e.who.who == access::kind::everyone; });
  if (free != all.end())
    out.next_free = &*free;
  return out;
}

model film_model(const lesson& l) {
  const video& film = *l.film;
  return model::object{{"film_url", url::media(film.file.key, film.file.name)},
                       {"film_type", film.file.content_type},
                       {"poster", film.poster ? url::media(film.poster->key, film.poster->name) : ""},
                       {"captions", make_list(film.captions, [](const caption_track& c) {
                          return model::object{{"caption_url", url::media(c.file.key, c.file.name)},
                                               {"caption_lang", canonical_tag(c.language)},
                                               {"caption_name", native_name(c.language)}};
                        })}};
}

std::string film_length(const lesson& l) {
  return l.film && l.film->duration.count() > 0 ? clock_time(l.film->duration) : std::string{};
}

model neighbour(const site_view& view, const lesson& l, const lesson_entry* entry) {
  if (entry == nullptr)
    return false;
  return model::object{{"step_title_html", inline_code_html(entry->title)},
                       {"step_url", url::lesson(l.course_slug, entry->slug, l.language, view.site.language)},
                       {"step_access", access_label(view.language, entry->who)}};
}

} // namespace

std::string lesson_page(const site_view& view, const lesson& l, const rendered_text& text, const viewer& who) {
  const auto& home = view.site.language;
  const auto& language = view.language;
  const auto path_in = [&](const std::string& other) { return url::lesson(l.course_slug, l.slug, other, home); };
  const place at = place_of(l);
  const lock part = lock_for(text, who, l.who);
  const std::string length = film_length(l);
  const auto url_of = [&](const lesson_entry* entry) {
    return entry == nullptr ? std::string{} : url::lesson(l.course_slug, entry->slug, l.language, home);
  };

  page_facts facts;
  facts.title = l.title;
  facts.description = l.summary;
  facts.path = path_in(l.language);
  facts.languages = alternates(l.translations, path_in);
  facts.kind = "article";
  if (part.open && l.film && l.film->poster)
    facts.image = url::media(l.film->poster->key, l.film->poster->name);
  facts.previous = url_of(at.before);
  facts.next = url_of(at.after);
  facts.structured_data = lesson_data(view, l, part.open);

  return render_page(
      view, "lesson", facts,
      {{"title", without_code_marks(l.title)},
       {"title_html", inline_code_html(l.title)},
       {"lead_html", part.open || !part.html.empty() ? "" : inline_code_html(l.summary)},
       {"course_title_html", inline_code_html(l.course_title)},
       {"course_lang", canonical_tag(l.course_title_language.empty() ? language : l.course_title_language)},
       {"course_url", url::course(l.course_slug, l.language, home)},
       {"courses_url", url::courses(language, home)},
       {"place", l.siblings.empty()
                     ? ""
                     : phrase(language, "lesson_of",
                              {{"n", std::to_string(at.index + 1)}, {"m", std::to_string(l.siblings.size())}})},
       {"minutes",
        l.reading_minutes > 0 ? phrase(language, "reading", {{"n", minutes(language, l.reading_minutes)}}) : ""},
       {"film_length", length.empty() ? "" : phrase(language, "video_of", {{"d", length}})},
       {"access", access_label(language, l.who)},
       {"author", l.author.empty() ? "" : phrase(language, "by", {{"author", l.author}})},
       {"updated", date_text(language, l.updated_at, view.site.timezone)},
       {"updated_iso", iso_date(l.updated_at, view.site.timezone)},
       {"film", part.open && l.film ? film_model(l) : model{false}},
       {"text_html", part.html},
       {"contents", contents_model(part.contents)},
       {"locked", part.open
                      ? model{false}
                      : lock_card(language, part, l.who, length,
                                  at.next_free ? without_code_marks(at.next_free->title) : "", url_of(at.next_free))},
       {"previous", neighbour(view, l, at.before)},
       {"next", neighbour(view, l, at.after)},
       {"last", at.after == nullptr}});
}

} // namespace lyceum::views
