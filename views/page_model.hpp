// SPDX-License-Identifier: Apache-2.0
// What all pages share: the head, the header, the language switch, access labels. Private to views/.
#pragma once

#include "views/model.hpp"
#include "views/pages.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace lyceum::views {

/// A page in another language, or this one.
struct alternate {
  std::string language;
  std::string path;
};

/// What a page says about itself to the layout.
struct page_facts {
  std::string title; ///< without the site's name; empty: the site's name alone
  std::string description;
  std::string path;                 ///< its own address; empty: it has none (an error)
  std::vector<alternate> languages; ///< every language it exists in, itself included; for the switch and hreflang
  std::string kind = "website";     ///< og:type
  std::string image;                ///< a path, for previews
  std::string previous;             ///< paths of its neighbours
  std::string next;
  std::string structured_data; ///< JSON-LD of structured_data.hpp
};

/// The page's template with its own names, in the site's layout.
std::string render_page(const site_view&, std::string_view page, const page_facts&, model::object own);

/// A path with the base URL in front where the site states one.
std::string absolute(const site_view&, std::string_view path);

/// Alternates for things that have a translation each: `path_in(language)` is the address there.
template <class PathIn>
std::vector<alternate> alternates(const std::vector<translation>& translations, PathIn path_in) {
  std::vector<alternate> out;
  for (const auto& t : translations)
    out.push_back({t.language, path_in(t.language)});
  return out;
}

/// Alternates of pages that exist in every language of the site: home and the lists.
template <class PathIn>
std::vector<alternate> site_alternates(const site_view& view, PathIn path_in) {
  std::vector<alternate> out;
  for (const auto& language : view.site.languages)
    out.push_back({language, path_in(language)});
  return out;
}

/// "Members", "Subscribers", "Plan pro"; empty for everyone.
std::string access_label(std::string_view language, const access&);

/// Names of the card that stands in the place of what a visitor may not read; `open` where nothing is locked.
struct lock {
  bool open = true;
  bool guest = false;            ///< nobody is signed in
  std::string html;              ///< what this visitor may read
  std::vector<heading> contents; ///< headings of what they may read
  std::vector<heading> rest;     ///< top headings of what they may not
};

/// Decides how much of a text `who` sees.
lock lock_for(const rendered_text&, const viewer& who, const access& what);

/// The card's names: title, rest_items, film (a length, or empty), next_free_title, next_free_url.
model lock_card(std::string_view language, const lock&, const access&, std::string film_length,
                std::string next_free_title = {}, std::string next_free_url = {});

/// Headings as the contents list shows them; false (no list) below three.
model contents_model(const std::vector<heading>&);

/// An article's line in a list.
model article_row(const site_view&, const article&);
/// A course's line in a list.
/// "words_lang" and "words_dir" for a course whose words are in another language than the page; empty where they are not.
void add_words_language(const site_view& view, const course& c, model::object& to);

/// "words_lang" and "words_dir" of a course whose words are in another language than the page; empty where they are not.
void add_words_language(const site_view&, const course&, model::object& to);

model course_row(const site_view&, const course&);

} // namespace lyceum::views
