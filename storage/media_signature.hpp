// SPDX-License-Identifier: Apache-2.0
// URLs of media that open for one viewer, for a while. No database is asked, so they work while it is away.
#pragma once

#include "storage/key_ring.hpp"
#include "storage/model/expected.hpp"
#include "storage/model/id.hpp"
#include "storage/model/time.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace lyceum::storage {

inline constexpr std::chrono::hours media_life_max{4}; ///< ASVS 5.0 row 9.1 of our checklist
inline constexpr std::size_t media_target_octets_max = 2048;

/// For whom a target is signed.
struct media_viewer {
  id account = 0;
  std::int64_t epoch =
      0; ///< `account::sign_in_epoch` when it was signed: an account whose sessions were all ended has another one
  bool operator==(const media_viewer&) const = default;
};

/// `path` with the query that opens it for `viewer` until `expires` (cut to the second):
/// "…?exp=<unix>&kid=<key>&u=<account>&e=<epoch + 1>&sig=<base64url>".
/// The signature is HMAC-SHA-256 by the ring's newest key for media, over all before "&sig=".
///   invalid  the path is not as paths::media writes one, the account is not above 0, its epoch below it, or `expires` is not within media_life_max of `now`
expected<std::string> sign_media(std::string_view path, media_viewer viewer, unix_time expires, unix_time now,
                                 const key_ring& ring);

/// Why a target does not open what it names. Tell the visitor the same for all but `expired`.
enum class media_refusal {
  malformed, ///< not in the one form that sign_media writes
  expired,   ///< was good
  too_late,  ///< expires more than media_life_max from now
  key_gone,  ///< signed with a key that is not in the ring
  forged,    ///< the signature is not ours
};

/// What a good target says.
struct media_pass {
  std::string_view path; ///< a part of the target as it came, encoded
  media_viewer viewer;
  unix_time expires{}; ///< not after it
};

/// Checks a request's target as it came, before anything is decoded: one octet that differs is refused. Takes no memory; the signature
/// is compared in the same time wherever it differs, and before the clock is asked, so that a forged one learns nothing.
tl::expected<media_pass, media_refusal> check_media(std::string_view target, unix_time now,
                                                    const key_ring& ring) noexcept;

} // namespace lyceum::storage
