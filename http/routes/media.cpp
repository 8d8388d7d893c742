// SPDX-License-Identifier: Apache-2.0
#include "http/routes/routes.hpp"

namespace lyceum::http {
namespace {

namespace catalogue = storage::catalogue;

/// A lesson's files: video, pictures, captions. What a visitor may not read is not there (404) until signed URLs exist.
expected<response> show_media(const site_frame&, const request& asked, storage::db& db) {
  auto found = catalogue::find_media(db, asked.param("key"), asked.param("name"), asked.now);
  if (!found)
    return tl::unexpected(found.error());
  if (!may_read(asked.who, found->who))
    return fail(problem::kind::not_found, "media");
  response answer;
  answer.content_type = found->content_type;
  answer.file = file_body{found->path, found->bytes, '"' + found->digest.substr(0, 32) + '"', {}};
  answer.cache.what = cache_rule::kind::file;
  return answer;
}

} // namespace

route_list media_routes(const site_frame& frame) {
  auto row = page_route("/media/:key/:name", reading(frame, show_media));
  row.kept = false; // files go from disk to socket
  row.translated = false;
  return {row};
}

} // namespace lyceum::http
