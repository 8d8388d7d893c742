// SPDX-License-Identifier: Apache-2.0
// An article, and a standing page of pages/.
#include "views/inline_code.hpp"
#include "views/page_model.hpp"
#include "views/structured_data.hpp"
#include "views/texts.hpp"
#include "views/url.hpp"

namespace lyceum::views {

std::string article_page(const site_view& view, const article& a, const rendered_text& text, const viewer& who) {
  const auto& site = view.site;
  const auto& language = view.language;
  const auto path_in = [&](const std::string& other) { return url::article(a.slug, other, site.language); };
  const lock part = lock_for(text, who, a.who);
  page_facts facts;
  facts.title = a.title;
  facts.description = a.summary;
  facts.path = path_in(a.language);
  facts.languages = alternates(a.translations, path_in);
  facts.kind = "article";
  facts.structured_data = article_data(view, a, part.open);
  return render_page(
      view, "article", facts,
      {{"title_html", inline_code_html(a.title)},
       {"lead_html", part.open || !part.html.empty() ? "" : inline_code_html(a.summary)},
       {"author", a.author.empty() ? "" : phrase(language, "by", {{"author", a.author}})},
       {"date", date_text(language, a.published_at, site.timezone)},
       {"date_iso", iso_date(a.published_at, site.timezone)},
       {"minutes",
        a.reading_minutes > 0 ? phrase(language, "reading", {{"n", minutes(language, a.reading_minutes)}}) : ""},
       {"access", access_label(language, a.who)},
       {"tags", make_list(a.tags,
                          [](const std::string& tag) {
                            return model::object{{"tag", tag}};
                          })},
       {"has_tags", !a.tags.empty()},
       {"text_html", part.html},
       {"contents", contents_model(part.contents)},
       {"locked", part.open ? model{false} : lock_card(language, part, a.who, {})},
       {"articles_url", url::articles(language, site.language)}});
}

std::string standing_page(const site_view& view, const article& a, const rendered_text& text, const viewer& who) {
  const auto path_in = [&](const std::string& other) { return url::standing(a.slug, other, view.site.language); };
  const lock part = lock_for(text, who, a.who);
  page_facts facts;
  facts.title = a.title;
  facts.description = a.summary;
  facts.path = path_in(a.language);
  facts.languages = alternates(a.translations, path_in);
  return render_page(view, "standing", facts,
                     {{"title_html", inline_code_html(a.title)},
                      {"lead_html", part.open || !part.html.empty() ? "" : inline_code_html(a.summary)},
                      {"access", access_label(view.language, a.who)},
                      {"text_html", part.html},
                      {"contents", contents_model(part.contents)},
                      {"locked", part.open ? model{false} : lock_card(view.language, part, a.who, {})}});
}

} // namespace lyceum::views
