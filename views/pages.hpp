// SPDX-License-Identifier: Apache-2.0
// The pages: values in, finished HTML (or XML) out. One function and one template a page.
#pragma once

#include "storage/model/course.hpp"
#include "storage/model/rendered.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace lyceum::views {

class theme; // views/theme.hpp: parsed templates, assets, interface texts

/// What every page needs. Cheap to copy.
struct site_view {
  std::shared_ptr<const theme> look;
  site_info site;
  std::string base_url; ///< "https://school.example", no slash at its end; empty: absolute URLs are left out
  std::string language; ///< of this page
  unix_time now{};
};

std::string home_page(const site_view&, const std::vector<course>& courses, const std::vector<article>& latest);
std::string courses_page(const site_view&, const std::vector<course>& courses);
/// The introduction as `who` may read it; the path of lessons is everyone's.
std::string course_page(const site_view&, const course&, const rendered_text& introduction, const viewer& who);
/// The whole text where `who` may read it; else the part before `<!-- more -->`, or the summary, and a card that says for
/// whom the rest is.
std::string lesson_page(const site_view&, const lesson&, const rendered_text&, const viewer& who);
std::string articles_page(const site_view&, const std::vector<article>&);
std::string article_page(const site_view&, const article&, const rendered_text&, const viewer& who);
/// A page of `pages/`: as much of it as `who` may read, as with lessons.
std::string standing_page(const site_view&, const article&, const rendered_text&, const viewer& who);

/// 404, 500, 503 and the like, in the site's own dress. `site` may be empty where the database is away.
std::string error_page(const site_view&, int status, std::string_view request_id);

/// RSS 2.0 of the latest articles (summaries, never locked text).
std::string rss_feed(const site_view&, const std::vector<article>& latest);

/// The same as Atom (RFC 4287).
std::string atom_feed(const site_view&, const std::vector<article>& latest);

/// security.txt (RFC 9116): `contact` is a URI (mailto:, https: or tel:). It expires 180 days after today.
std::string security_txt(const site_view&, std::string_view contact);

/// One address of the sitemap, with its translations.
struct sitemap_entry {
  std::string path;
  unix_time updated_at{};
  std::vector<std::pair<std::string, std::string>> alternates; ///< language, path
};
/// sitemaps.org; at most 50,000 entries.
std::string sitemap(const site_view&, const std::vector<sitemap_entry>&);
std::string robots_txt(const site_view&);

} // namespace lyceum::views
