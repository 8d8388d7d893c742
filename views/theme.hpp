// SPDX-License-Identifier: Apache-2.0
// The look: templates, assets and interface texts, ours or replaced by a folder's.
#pragma once

#include "storage/model/course.hpp"
#include "storage/model/expected.hpp"
#include "views/model.hpp"

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lyceum::views {

namespace mail {
struct source;
}

/// A file of the look, with its hash in its address, so that browsers may keep it for ever.
struct asset {
  std::string name;         ///< "site.css"
  std::string hashed_name;  ///< "site.0a1b2c3d4e5f.css": the last part of its URL
  std::string content_type; ///< with the charset where it is text
  std::string bytes;
};

/// Parsed templates and hashed assets. Never changes once made: any thread may render with it.
class theme {
public:
  struct parts; ///< what load_theme() gathers; theme.cpp

  explicit theme(std::unique_ptr<parts>);
  ~theme();
  theme(const theme&) = delete;
  theme& operator=(const theme&) = delete;

  /// A page's template ("lesson"), filled. Names `t.…` are interface texts in `language`, names `asset.…` the addresses of
  /// assets; all others come from `values`. Throws std::out_of_range where there is no such template: ours are all there,
  /// whatever a theme folder holds.
  std::string render(std::string_view page, const model& values, std::string_view language) const;

  /// By the last part of its URL; nullptr where there is none, or only with another hash.
  const asset* find_asset(std::string_view hashed_name) const;

  /// "site.css" to "/assets/site.0a1b2c3d4e5f.css". Empty where there is no such asset.
  std::string asset_url(std::string_view name) const;

  const std::vector<asset>& assets() const;

  /// Names of all page templates, in order: for tests.
  std::vector<std::string> pages() const;

  /// A page's template with its layout and partials in place, as it was parsed: for tests.
  const std::string& source(std::string_view page) const;

  /// A mail's template in this language and no other ("sign_in", "de"); nullptr where there is none.
  const mail::source* find_mail(std::string_view name, std::string_view language) const;

  /// "sign_in.de": name and language of all mail templates, in order.
  std::vector<std::string> mails() const;

private:
  std::unique_ptr<parts> parts_;
};

inline constexpr std::size_t theme_template_bytes_max = 256 * 1024;
inline constexpr std::size_t theme_asset_bytes_max = 4 * 1024 * 1024;
inline constexpr std::size_t theme_files_max = 500;

/// What a name in a template gives that nothing defines: a theme may be older than the program, a test may not.
enum class unknown_name {
  blank, ///< nothing
  fails, ///< render() throws std::logic_error with the name
};

/// Our own look, with the files of `folder` in the place of ours that have the same name: `layouts/*.mustache`,
/// `pages/*.mustache`, `partials/*.mustache` (new ones are welcome), `mail/NAME.LANGUAGE.mustache` (new languages are welcome),
/// `assets/*` (new ones are welcome).
///   invalid    `detail` says file:line and what is wrong: a template that does not parse, a page that nothing asks for,
///              a partial that is not there, a file of another kind
///   too_large  a file or the folder passes a limit above
///   not_found  there is no such folder
expected<std::shared_ptr<const theme>> load_theme(const std::optional<std::filesystem::path>& folder = std::nullopt,
                                                  unknown_name = unknown_name::blank);

/// The school's accent as a stylesheet. Its address holds the colour itself, so an answer is right for ever and needs no
/// database: serve it beside the theme's assets, as immutable text/css, without keeping it in a cache.
/// "/assets/accent.<hex>.css"; empty where the site states no accent, or none that is a colour.
std::string accent_url(const site_info&);

/// The stylesheet for the last part of such an address; nothing where it is not one that accent_url() could make.
std::optional<std::string> accent_css(std::string_view hashed_name);

} // namespace lyceum::views
