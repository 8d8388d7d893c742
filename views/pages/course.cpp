// SPDX-License-Identifier: Apache-2.0
#include "views/inline_code.hpp"
#include "views/page_model.hpp"
#include "views/structured_data.hpp"
#include "views/texts.hpp"
#include "views/url.hpp"

#include <algorithm>

namespace lyceum::views {
namespace {

// "Free" is worth a word only beside something that is not.
bool is_mixed(const course& c) {
  return std::any_of(c.lessons.begin(), c.lessons.end(),
                     [](const lesson_entry& l) { return l.who.who != access::kind::everyone; });
}

model step(const site_view& view, const course& c, const lesson_entry& l, bool mixed) {
  const auto& language = view.language;
  const bool free = l.who.who == access::kind::everyone;
  return model::object{{"title_html", inline_code_html(l.title)},
                       {"summary_html", inline_code_html(l.summary)},
                       {"url", url::lesson(c.slug, l.slug, c.language, view.site.language)},
                       {"minutes", l.reading_minutes > 0 ? minutes(language, l.reading_minutes) : ""},
                       {"film", !l.has_video             ? ""
                                : l.duration.count() > 0 ? phrase(language, "video_of", {{"d", clock_time(l.duration)}})
                                                         : phrase(language, "video")},
                       {"access", access_label(language, l.who)},
                       {"free", free && mixed}};
}

int all_minutes(const course& c) {
  int sum = 0;
  for (const auto& l : c.lessons)
    sum += l.reading_minutes + static_cast<int>((l.duration.count() + 59) / 60);
  return sum;
}

} // namespace

/// The course as a path; its introduction is locked as a lesson of the same access is. What the reader has done is absent: it is personal, and fetched by the page itself.
std::string course_page(const site_view& view, const course& c, const rendered_text& introduction, const viewer& who) {
  const auto& home = view.site.language;
  const auto path_in = [&](const std::string& language) { return url::course(c.slug, language, home); };
  const lock part = introduction.html.empty() ? lock{} : lock_for(introduction, who, c.who);
  page_facts facts;
  facts.title = c.title;
  facts.description = c.summary;
  facts.path = path_in(c.language);
  facts.languages = alternates(c.translations, path_in);
  facts.structured_data = course_data(view, c);
  const bool mixed = is_mixed(c);
  const int length = all_minutes(c);
  model::object own{
      {"title_html", inline_code_html(c.title)},
      {"summary_html", inline_code_html(c.summary)},
      {"count", counted(view.language, "lessons", static_cast<int>(c.lessons.size()))},
      {"length", length > 0 ? minutes(view.language, length) : ""},
      {"access", access_label(view.language, c.who)},
      {"start_url", c.lessons.empty() ? "" : url::lesson(c.slug, c.lessons.front().slug, c.language, home)},
      {"introduction_html", part.html},
      {"locked", part.open ? model{false} : lock_card(view.language, part, c.who, {})},
      {"lessons", make_list(c.lessons, [&](const lesson_entry& l) { return step(view, c, l, mixed); })},
      {"has_lessons", !c.lessons.empty()},
      {"courses_url", url::courses(view.language, home)}};
  add_words_language(view, c, own);
  return render_page(view, "course", facts, std::move(own));
}

} // namespace lyceum::views
