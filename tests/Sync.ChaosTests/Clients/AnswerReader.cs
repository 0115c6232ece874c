using System.Globalization;
using System.Text.Json;
using Sync.Contracts;

namespace Sync.ChaosTests.Clients;

/// <summary>Reads what a writer answers to a write: a receipt, or a problem.</summary>
internal static class AnswerReader
{
    private const string ProblemPrefix = "urn:sync:problem:";

    // Problems of which the protocol says that nothing was written and a repeat may commit.
    private static readonly string[] Passing = ["no-owner", "overloaded", "shutting-down", "ledger-unavailable", "not-ready"];

    // Nobody knows: also what is no problem of ours, such as an answer cut in the middle.
    private static readonly string[] Open = ["unknown-outcome", "internal-error", "corrupt", "too-slow"];

    public static Outcome Read(ReadOnlySpan<byte> body)
    {
        try
        {
            var json = new Utf8JsonReader(body);
            using var parsed = JsonDocument.ParseValue(ref json);
            var root = parsed.RootElement;
            if (root.TryGetProperty("factId"u8, out _)) return Outcome.Committed(ReceiptOf(root));
            var type = root.TryGetProperty("type"u8, out var typed) ? typed.GetString() ?? "" : "";
            if (!type.StartsWith(ProblemPrefix, StringComparison.Ordinal))
                return Outcome.Unknown("an answer of another kind: " + type);
            var code = type[ProblemPrefix.Length..];
            var detail = root.TryGetProperty("detail"u8, out var said) ? said.GetString() ?? "" : "";
            return Open.Contains(code, StringComparer.Ordinal) ? Outcome.Unknown(code + ": " + detail)
                : Passing.Contains(code, StringComparer.Ordinal) ? Outcome.NotNow(code, detail)
                : Outcome.Refused(code, detail);
        }
        catch (Exception error) when (
            error is JsonException or FormatException or InvalidOperationException or KeyNotFoundException)
        {
            return Outcome.Unknown("an answer that cannot be read: " + error.Message);
        }
    }

    private static SeenReceipt ReceiptOf(JsonElement json) => new(
        new SyncedKey(Text(json, "vault"), Text(json, "collection"), Text(json, "key")),
        json.GetProperty("factId"u8).GetGuid(), (int)Number(json, "feed"), Number(json, "history"), Number(json, "position"),
        Number(json, "sequence"),
        ulong.Parse(Text(json, "valueHash").AsSpan(0, 16), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture),
        json.TryGetProperty("replayed"u8, out var replayed) && replayed.GetBoolean());

    private static string Text(JsonElement json, string name) => json.GetProperty(name).GetString()!;

    private static long Number(JsonElement json, string name) => json.GetProperty(name).GetInt64();
}
