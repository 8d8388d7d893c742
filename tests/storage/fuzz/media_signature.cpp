// SPDX-License-Identifier: Apache-2.0
// Any bytes as a signed target. Properties: none is good that the signer would not write in the same octets; and what can be signed is good
// as it was signed, and not with an octet changed.
#include "storage/media_signature.hpp"
#include "tests/fuzz/check.hpp"

#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lyceum;
  using namespace lyceum::storage;
  using namespace std::chrono_literals;
  static const auto ring =
      key_ring::parse("lyceum keys 1\n7 1700000000 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n")
          .value();
  const unix_time now{1'700'000'000s};
  const std::string_view text(reinterpret_cast<const char*>(data), size);

  if (const auto pass = check_media(text, now, ring)) {
    FUZZ_CHECK(sign_media(pass->path, pass->viewer, pass->expires, now, ring) == text);
    FUZZ_CHECK(pass->expires > now && pass->expires <= now + media_life_max && pass->viewer.account > 0 &&
               pass->viewer.epoch >= 0);
  }

  const auto path = text.substr(0, text.find('?'));
  const auto signed_target = sign_media(path, {4711, 3}, now + 1h, now, ring);
  if (!signed_target)
    return 0;
  const auto pass = check_media(*signed_target, now, ring);
  FUZZ_CHECK(pass && pass->path == path && (pass->viewer == media_viewer{4711, 3}));
  auto changed = *signed_target;
  auto& octet = changed[size % changed.size()];
  octet = static_cast<char>(octet ^ (1 << (size % 8)));
  FUZZ_CHECK(!check_media(changed, now, ring));
  return 0;
}
