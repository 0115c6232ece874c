using System.Collections.Frozen;
using Sync.Contracts;

namespace Sync.MessagePack;

/// <summary>The text forms of <see cref="RefusalCode"/>: kebab-case, stable, in replies and problem types.</summary>
public static class RefusalCodes
{
    private static readonly FrozenDictionary<RefusalCode, string> Texts = new Dictionary<RefusalCode, string>
    {
        [RefusalCode.InvalidName] = "invalid-name",
        [RefusalCode.MalformedRequest] = "malformed-request",
        [RefusalCode.InvalidValue] = "invalid-value",
        [RefusalCode.InvalidSchemaVersion] = "invalid-schema-version",
        [RefusalCode.TooLarge] = "too-large",
        [RefusalCode.ExpectedSequenceDiffers] = "expected-sequence-differs",
        [RefusalCode.LiveRecordExists] = "live-record-exists",
        [RefusalCode.NoLiveRecord] = "no-live-record",
        [RefusalCode.IdempotencyKeyReused] = "idempotency-key-reused",
        [RefusalCode.WrongShape] = "wrong-shape",
        [RefusalCode.InvalidBatch] = "invalid-batch",
        [RefusalCode.NoOwner] = "no-owner",
        [RefusalCode.Overloaded] = "overloaded",
        [RefusalCode.ShuttingDown] = "shutting-down",
        [RefusalCode.DataError] = "data-error",
    }.ToFrozenDictionary();

    private static readonly FrozenDictionary<string, RefusalCode> Codes =
        Texts.ToFrozenDictionary(pair => pair.Value, pair => pair.Key, StringComparer.Ordinal);

    /// <summary>The text of a code.</summary>
    /// <exception cref="KeyNotFoundException">Not a defined code.</exception>
    public static string ToText(RefusalCode code) => Texts[code];

    /// <summary>The code of a text; false for a text that is not known here.</summary>
    public static bool TryParse(string? text, out RefusalCode code)
    {
        code = default;
        return text is not null && Codes.TryGetValue(text, out code);
    }
}
