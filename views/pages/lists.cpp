// SPDX-License-Identifier: Apache-2.0
// Home and the lists of courses and articles.
#include "views/page_model.hpp"
#include "views/structured_data.hpp"
#include "views/texts.hpp"
#include "views/url.hpp"

namespace lyceum::views {
namespace {

model::list course_rows(const site_view& view, const std::vector<course>& courses) {
  return make_list(courses, [&](const course& c) { return course_row(view, c); });
}

model::list article_rows(const site_view& view, const std::vector<article>& articles) {
  return make_list(articles, [&](const article& a) { return article_row(view, a); });
}

} // namespace

/// The heading is the one sentence that says what the school teaches; its name already stands above it.
std::string home_page(const site_view& view, const std::vector<course>& courses, const std::vector<article>& latest) {
  const auto& site = view.site;
  const auto path_in = [&](const std::string& language) { return url::home(language, site.language); };
  page_facts facts;
  facts.description = site.description;
  facts.path = path_in(view.language);
  facts.languages = site_alternates(view, path_in);
  facts.structured_data = site_data(view);
  return render_page(view, "home", facts,
                     {{"headline", site.description.empty() ? site.title : site.description},
                      {"courses", course_rows(view, courses)},
                      {"has_courses", !courses.empty()},
                      {"articles", article_rows(view, latest)},
                      {"has_articles", !latest.empty()},
                      {"courses_url", url::courses(view.language, site.language)},
                      {"articles_url", url::articles(view.language, site.language)}});
}

std::string courses_page(const site_view& view, const std::vector<course>& courses) {
  const auto path_in = [&](const std::string& language) { return url::courses(language, view.site.language); };
  page_facts facts;
  facts.title = phrase(view.language, "courses");
  facts.description = phrase(view.language, "courses_lead");
  facts.path = path_in(view.language);
  facts.languages = site_alternates(view, path_in);
  return render_page(view, "courses", facts,
                     {{"courses", course_rows(view, courses)}, {"has_courses", !courses.empty()}});
}

std::string articles_page(const site_view& view, const std::vector<article>& articles) {
  const auto path_in = [&](const std::string& language) { return url::articles(language, view.site.language); };
  page_facts facts;
  facts.title = phrase(view.language, "articles");
  facts.description = phrase(view.language, "articles_lead");
  facts.path = path_in(view.language);
  facts.languages = site_alternates(view, path_in);
  return render_page(view, "articles", facts,
                     {{"articles", article_rows(view, articles)}, {"has_articles", !articles.empty()}});
}

} // namespace lyceum::views
