// SPDX-License-Identifier: Apache-2.0
// What the handlers of every noun share: the site's look and address, and how a page becomes an answer.
#pragma once

#include "actors/change_times.hpp"
#include "actors/exchange.hpp"
#include "storage/catalogue.hpp"
#include "storage/key_ring.hpp"
#include "storage/sign_in_limits.hpp"
#include "views/markdown.hpp"
#include "views/pages.hpp"

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace lyceum::http {

/// The site's facts as they were last read: for error pages, which ask no database. Thread-safe.
class site_memory {
public:
  site_info get() const {
    std::lock_guard lock(guard_);
    return last_;
  }
  void keep(const site_info& now) {
    std::lock_guard lock(guard_);
    last_ = now;
  }

private:
  mutable std::mutex guard_;
  site_info last_;
};

/// What handlers need besides the request and the database. Outlives every handler.
struct site_frame {
  std::function<std::shared_ptr<const views::theme>()> look; ///< the theme now; thread-safe
  std::string base_url;                                      ///< no slash at its end
  std::string security_contact;                              ///< a URI for security.txt; empty: there is none
  std::size_t body_bytes_max = 1024 * 1024;                  ///< of a request; a row may ask for less
  bool secure = false;                                       ///< the base URL is https: cookies are for TLS alone
  std::shared_ptr<const storage::key_ring> keys;             ///< signs forms and URLs; null: nobody signs in
  std::shared_ptr<change_times> changes;                     ///< of accounts, for URLs that were signed before
  storage::sign_in_limits::rules sign_in_rules;              ///< how often signing in may fail
  std::string mail_host;                                     ///< right side of a Message-ID
  std::function<std::string()> mail_trouble; ///< why mail is late, in words; empty: it is not. Thread-safe
  std::string mailbox; ///< where mails are kept instead of being sent ("/dev/mailbox"); empty: they are sent
  std::shared_ptr<site_memory> known = std::make_shared<site_memory>();
};

/// A page being made: when its reading of the database began, and what it depends on.
class draft {
public:
  /// Reads the content's sequence number first, so that a change during the reading marks the page as stale. Fails with
  /// `not_found` where the URL's language is none of the site's, `moved` where it is the default one.
  static expected<draft> begin(const site_frame& frame, const request& asked, storage::db& db);

  const views::site_view& view() const { return view_; }
  const std::string& language() const { return view_.language; }
  const std::string& default_language() const { return view_.site.language; }

  draft& depends_on(std::string tag) {
    rule_.tags.push_back(std::move(tag));
    return *this;
  }
  /// The page shows the same to everybody.
  draft& for_everyone() {
    rule_.alike = true;
    return *this;
  }
  /// What depends on the reader is whether `what` is open to him, and nothing else.
  draft& open_to(const access& what) {
    rule_.alike = what.who == access::kind::everyone;
    return *this;
  }
  /// The page as an answer that may be kept until one of its tags changes, or the next scheduled text is due.
  response done(std::string html, std::string content_type = "text/html; charset=utf-8") &&;

private:
  views::site_view view_;
  cache_rule rule_;
};

/// "/faq" and "/new" read as languages too, and the router cannot know which of them the school speaks. Where `why` says that
/// it does not speak this one: the same request as one for the page of pages/ with that slug.
std::optional<request> as_page(const request& asked, const problem& why);

/// The HTML of a text that the page shows; adds its tag to the draft.
expected<rendered_text> text_of(draft& page, storage::db& db, const std::string& render_key);

/// 301, 302 or 308 to a path of ours.
response redirect(int status, std::string path);

/// A problem of the catalogue as an answer: `moved` becomes a redirect, for good (301), or for now (302) where the thing only
/// does not exist in the visitor's language yet, which shows by the new path being `here_in_default_language`.
expected<response> moved_or(const problem& why, std::string_view here_in_default_language);

} // namespace lyceum::http
