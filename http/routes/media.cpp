// SPDX-License-Identifier: Apache-2.0
// A lesson's files: video, pictures, captions. One that is not open to all is fetched by a signed URL, to which its plain one leads who may
// fetch it: so pages, which are the same for a whole tier, name the plain one.
#include "http/routes/routes.hpp"

#include "storage/grants.hpp"
#include "storage/media_signature.hpp"
#include "storage/model/paths.hpp"
#include "storage/sessions.hpp"

#include <list>
#include <sys/stat.h>
#include <unordered_map>

namespace lyceum::http {
namespace {

namespace catalogue = storage::catalogue;

/// Files that were fetched by signed URLs last, so that these go on without a database. Any thread.
class known_media {
public:
  static constexpr std::size_t files_max = 2'000;

  std::optional<media_file> find(const std::string& address) const {
    const std::lock_guard lock(guard_);
    const auto at = by_address_.find(address);
    return at == by_address_.end() ? std::nullopt : std::optional(at->second->second);
  }
  void put(const std::string& address, const media_file& what) {
    const std::lock_guard lock(guard_);
    if (const auto at = by_address_.find(address); at != by_address_.end())
      files_.erase(at->second);
    files_.emplace_front(address, what);
    by_address_[address] = files_.begin();
    if (files_.size() > files_max) {
      by_address_.erase(files_.back().first);
      files_.pop_back();
    }
  }

private:
  using file_list = std::list<std::pair<std::string, media_file>>; // the newest first
  mutable std::mutex guard_;
  file_list files_;
  std::unordered_map<std::string, file_list::iterator> by_address_;
};

response file_answer(const media_file& what, bool for_all) {
  response answer;
  answer.content_type = what.content_type;
  answer.file = file_body{what.path, what.bytes, '"' + what.digest.substr(0, 32) + '"', {}};
  answer.cache.what = cache_rule::kind::file;
  if (!for_all)
    answer.headers.push_back({"Cache-Control", "private, no-cache"});
  return answer;
}

bool is_there(const media_file& what) {
  struct stat about {};
  return stat(what.path.c_str(), &about) == 0 && about.st_size == what.bytes;
}

std::string address_of(const request& asked) {
  return std::string(asked.param("key")) + "/" + std::string(asked.param("name"));
}

class media_desk {
public:
  explicit media_desk(const site_frame& frame) : frame_(frame) {}

  /// Without the database: what was signed, and is known already. All else asks it.
  expected<response> show(const request& asked) {
    if (asked.query_value("sig") && frame_.keys) {
      const auto pass = storage::check_media(asked.target, asked.now, *frame_.keys);
      if (pass && !changed_since_signed(*pass))
        if (const auto known = known_.find(address_of(asked)); known && is_there(*known))
          return file_answer(*known, false);
    }
    response next;
    next.by_way_of = std::make_shared<detour>();
    next.by_way_of->then = [this](const request& again, storage::db* db) { return look_up(again, *db); };
    next.by_way_of->needs = db_use::reads;
    return next;
  }

private:
  /// Four hours before its end a URL cannot have been signed yet.
  bool changed_since_signed(const storage::media_pass& pass) const {
    return frame_.changes->changed_since(pass.viewer.account, micros(pass.expires - storage::media_life_max));
  }

  expected<response> look_up(const request& asked, storage::db& db) {
    auto found = catalogue::find_media(db, asked.param("key"), asked.param("name"), asked.now);
    if (!found)
      return tl::unexpected(found.error());
    if (may_fetch({}, *found))
      return file_answer(*found, true);
    if (!frame_.keys)
      return fail(problem::kind::not_found, "media");
    if (asked.query_value("sig")) {
      const auto pass = storage::check_media(asked.target, asked.now, *frame_.keys);
      if (pass) {
        if (changed_since_signed(*pass) && !may_still_fetch(db, pass->viewer, *found, asked.now))
          return fail(problem::kind::forbidden, "media");
        known_.put(address_of(asked), *found);
        return file_answer(*found, false);
      }
      if (pass.error() != storage::media_refusal::expired)
        return fail(problem::kind::forbidden, "media");
    }
    return lead_to_signed(asked, db, *found);
  }

  /// Its viewer may have lost what he had when it was signed, or have been signed out since: everywhere, or
  /// everywhere else, which a thief may have been.
  static bool may_still_fetch(storage::db& db, const storage::media_viewer& viewer, const media_file& what,
                              unix_time now) {
    const auto entitled = storage::grants::entitlement_at(db, viewer.account, now);
    return entitled && may_fetch(entitled->may, what) && entitled->who.sign_in_epoch == viewer.epoch &&
           !storage::sessions::list(db, viewer.account, now).empty();
  }

  /// What somebody may not read is not there for him.
  expected<response> lead_to_signed(const request& asked, storage::db& db, const media_file& what) const {
    const auto entitled = storage::grants::entitlement_at(db, asked.account, asked.now);
    if (!entitled || !may_fetch(entitled->may, what))
      return fail(problem::kind::not_found, "media");
    auto until = asked.now + storage::media_life_max;
    if (entitled->until)
      until = std::min(until, *entitled->until);
    auto path = paths::media(asked.param("key"), asked.param("name"));
    auto made = storage::sign_media(path, {asked.account, entitled->who.sign_in_epoch}, until, asked.now, *frame_.keys);
    if (!made) // a grant that ends within this second
      return fail(problem::kind::not_found, "media");
    return redirect(302, std::move(*made));
  }

  const site_frame& frame_;
  known_media known_;
};

} // namespace

route_list media_routes(const site_frame& frame) {
  route row;
  row.method = "GET";
  row.pattern = "/media/:key/:name";
  row.needs = db_use::none;
  row.personal = true;
  row.run = [desk = std::make_shared<media_desk>(frame)](const request& asked, storage::db*) {
    return desk->show(asked);
  };
  return {row};
}

} // namespace lyceum::http
