// SPDX-License-Identifier: Apache-2.0
// The nouns' routes: one function a file, put together in http/site.cpp.
#pragma once

#include "actors/development_mailbox.hpp"
#include "http/router.hpp"
#include "http/routes/frame.hpp"

namespace lyceum::http {

route_list course_routes(const site_frame&);           ///< courses, course, lesson
route_list article_routes(const site_frame&);          ///< home, articles, article, pages/, RSS and Atom
route_list feed_routes(const site_frame&);             ///< sitemap, robots.txt, security.txt
route_list media_routes(const site_frame&);            ///< videos, pictures, captions
route_list asset_routes(const site_frame&);            ///< CSS, JavaScript, icons
route_list sign_in_routes(const site_frame&);          ///< by a mailed link or code
route_list sign_in_password_routes(const site_frame&); ///< by password, and the second factor
route_list account_routes(const site_frame&);          ///< profile, sessions, export, end
route_list security_routes(const site_frame&);         ///< password, second factor, address, proof of who it is
/// Mails that were kept instead of being sent, at /dev/mailbox: only where none are sent. `box` must outlive the router.
route_list mailbox_routes(const site_frame&, development_mailbox& box);

/// A handler that reads the database. `frame` must outlive it.
using reader = expected<response> (*)(const site_frame&, const request&, storage::db&);
inline handler reading(const site_frame& frame, reader run) {
  return [&frame, run](const request& asked, storage::db* db) { return run(frame, asked, *db); };
}

/// A page that every visitor of a tier sees alike, in every language of the site.
inline route page_route(std::string pattern, handler run) {
  route row;
  row.method = "GET";
  row.pattern = std::move(pattern);
  row.run = std::move(run);
  row.needs = db_use::reads;
  row.kept = true;
  row.translated = true;
  return row;
}

} // namespace lyceum::http
