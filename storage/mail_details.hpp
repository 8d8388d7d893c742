// SPDX-License-Identifier: Apache-2.0
// Details of a mail that wait in the outbox: what opens an account (links, codes) is sealed there, so that a copy of the database signs
// nobody in.
#pragma once

#include "storage/key_ring.hpp"
#include "storage/model/expected.hpp"
#include "storage/model/mail.hpp"

#include <string>
#include <string_view>

namespace lyceum::storage {

/// Puts `secrets` (a JSON object) into the draft's details (another one) as a member "sealed", bound to the draft's template, cause and
/// recipient: to be called once these are set.
///   invalid    either is no JSON object
///   too_large  the secrets are over key_ring::plain_octets_max
expected<void> seal_details(mail_draft& draft, std::string_view secrets, const key_ring& ring);

/// The details with the sealed members among the open ones; as they are where nothing was sealed.
///   invalid    not JSON objects, or sealed for another mail
///   not_found  sealed with a key that is gone
expected<std::string> open_details(const mail_draft& draft, const key_ring& ring);

} // namespace lyceum::storage
