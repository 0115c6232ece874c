using System.Text.Json;
using Sync.Contracts;
using Sync.Hosting;
using Sync.Http;
using Sync.Http.Json;
using Sync.MessagePack;
using Sync.Writer.Json;

namespace Sync.Writer.Http;

/// <summary>Every problem that the writer answers with (docs/PROTOCOL.md, Errors). The codes are stable.</summary>
internal static class Problems
{
    /// <summary>How long a caller should wait before it repeats what was refused for a passing reason.</summary>
    public static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);

    public static Problem InvalidSchemaVersion(string? given) => Plain(
        RefusalCode.InvalidSchemaVersion,
        $"'{Shown(given)}' is not a schema version; give one like 3.1 (1 to 9 digits each).");

    public static Problem InvalidValue(string detail) => Plain(RefusalCode.InvalidValue, detail);

    /// <summary>The system's own vaults and collections are written by the system, never through a door.</summary>
    /// <returns>Null when the key is not one of theirs.</returns>
    public static Problem? Reserved(SyncedKey key) =>
        Names.IsReserved(key.Vault) || Names.IsReserved(key.Collection)
            ? RecordProblems.InvalidName(
                "vaults and collections whose names start with '_' are the system's own; choose another name")
            : null;

    public static Problem InvalidBatch(string detail) => Plain(RefusalCode.InvalidBatch, detail);

    public static Problem Overloaded(string detail) => Of(new Refusal(RefusalCode.Overloaded, detail));

    public static Problem NotReady(string detail) =>
        new(503, "not-ready", "The writer is not ready", detail) { RetryAfter = RetryAfter };

    public static Problem ShuttingDown { get; } = Of(new Refusal(
        RefusalCode.ShuttingDown,
            "The writer is stopping and did not take this. Repeat it; another writer takes over."));

    /// <summary>503, not 504: an intermediary may repeat a GET after 504 by itself, and the caller must know that its
    /// own repetition needs the same idempotency key.</summary>
    public static Problem UnknownOutcome(string reason) => new(
        503, "unknown-outcome", "Nobody can say now whether it was committed",
        $"{reason.TrimEnd('.')}. Repeat the request with the same Idempotency-Key: it commits once and answers with "
        + "the first receipt. Without a key, read the record first.")
    {
        RetryAfter = RetryAfter,
    };

    /// <summary>Nobody has seen the text of a token that may have been made: it is of no use.</summary>
    public static Problem UnknownToken(string reason) => new(
        503, "unknown-outcome", "Nobody can say now whether it was committed",
        $"{reason.TrimEnd('.')}. A revocation may be repeated. A token that was made has not been shown to anybody: make another "
        + "one, and revoke that of this label that nobody uses.")
    {
        RetryAfter = RetryAfter,
    };

    public static Problem Of(Refusal refusal) => Plain(refusal.Code, refusal.Detail) with
    {
        RetryAfter = refusal.IsTransient ? RetryAfter : null,
        More = refusal is { Current: null, Last: null } ? null : json => WriteState(json, refusal),
    };

    private static void WriteState(Utf8JsonWriter json, Refusal refusal)
    {
        if (refusal.Last is { } last) json.WriteNumber("last"u8, last.Value);
        if (refusal.Current is not { } current) return;
        json.WritePropertyName("current"u8);
        EnvelopeJson.WriteAny(json, current);
    }

    /// <summary>What the application's own exceptions mean to a caller; null = a defect.</summary>
    public static Problem? Of(Exception error) => error is SyncException known ? Of(known) : null;

    private static Problem? Of(SyncException error) => error.Code switch
    {
        SyncErrorCode.LedgerUnavailable => Of(new Refusal(
            RefusalCode.LedgerUnavailable, $"{error.Message} Repeat the request later.")),
        SyncErrorCode.Exhausted => Overloaded(error.Message),
        SyncErrorCode.Stopped => ShuttingDown,
        SyncErrorCode.Invalid => CommonProblems.Malformed(error.Message),
        SyncErrorCode.Corrupt => new Problem(500, "corrupt", "What is stored contradicts itself", error.Message),
        _ => NotReady(error.Message),
    };

    private static (int Status, string Title) Row(RefusalCode code) => code switch
    {
        RefusalCode.InvalidName => (400, "A name breaks the rules"),
        RefusalCode.MalformedRequest => (400, "The request cannot be read"),
        RefusalCode.InvalidValue => (422, "The value cannot be kept"),
        RefusalCode.InvalidSchemaVersion => (422, "The schema version is not major.minor"),
        RefusalCode.TooLarge => (413, "The request is too large"),
        RefusalCode.ExpectedSequenceDiffers => (412, "The expected sequence is not the last"),
        RefusalCode.LiveRecordExists => (412, "There is a live record"),
        RefusalCode.NoLiveRecord => (404, "There is no live record to delete"),
        RefusalCode.IdempotencyKeyReused => (422, "The idempotency key was used for another write"),
        RefusalCode.WrongShape => (409, "The collection does not take this change"),
        RefusalCode.InvalidBatch => (422, "The atomic batch cannot be committed"),
        RefusalCode.NoOwner => (503, "No writer owns the feed now"),
        RefusalCode.Overloaded => (503, "Too much is in flight"),
        RefusalCode.ShuttingDown => (503, "The writer is stopping"),
        RefusalCode.LedgerUnavailable => (503, "The ledger cannot take the write now"),
        _ => (422, "The ledger refused the data"),
    };

    /// <summary>The HTTP status of a refusal.</summary>
    public static int StatusOf(RefusalCode code) => Row(code).Status;

    private static Problem Plain(RefusalCode code, string detail)
    {
        var (status, title) = Row(code);
        return new Problem(status, RefusalCodes.ToText(code), title, detail);
    }

    private static string Shown(string? text) => text is null ? "" : text.Length <= 40 ? text : text[..40] + "…";
}
