using System.Text.Json;
using Sync.Contracts;

namespace Sync.ChaosTests.Clients;

/// <summary>What a request for a write ended as.</summary>
internal enum Ending
{
    /// <summary>A receipt.</summary>
    Committed,

    /// <summary>Refused, and a repeat is too.</summary>
    Refused,

    /// <summary>Nothing was written by this request; a repeat may commit.</summary>
    NotNow,

    /// <summary>Committed or not.</summary>
    Unknown,
}

/// <summary>A receipt as clients log and compare it.</summary>
internal readonly record struct SeenReceipt(
    SyncedKey Key, Guid Fact, int Feed, long History, long Position, long Sequence, ulong Hash, bool Replayed);

/// <summary>How a request ended.</summary>
internal readonly record struct Outcome(Ending Ending, SeenReceipt Receipt, string Code, string Detail)
{
    public bool IsFinal => Ending is Ending.Committed or Ending.Refused;

    public static Outcome Committed(SeenReceipt receipt) => new(Ending.Committed, receipt, "", "");

    public static Outcome Refused(string code, string detail) => new(Ending.Refused, default, code, detail);

    public static Outcome NotNow(string code, string detail) => new(Ending.NotNow, default, code, detail);

    public static Outcome Unknown(string detail) => new(Ending.Unknown, default, "unknown-outcome", detail);
}

/// <summary>The lines of a load client: <c>invoke</c> before a request, then <c>ok</c>, <c>fail</c> or
/// <c>unknown</c>; <c>a</c> tells the attempts of one idempotency key apart.</summary>
internal sealed class WriteLog(EventLog log)
{
    private int _attempts;

    /// <returns>The attempt's number.</returns>
    public int Invoke(PlannedWrite write)
    {
        var attempt = Interlocked.Increment(ref _attempts);
        log.Write("invoke", json =>
        {
            json.WriteString("id"u8, write.Id);
            json.WriteNumber("a"u8, attempt);
            json.Key(write.Key);
            json.WriteString("op"u8, write.Op switch { ChangeOp.Put => "put", ChangeOp.Delete => "delete", _ => "append" });
            json.Hash(write.Hash);
            if (write.Expected is { } expected) json.WriteNumber("x"u8, expected);
            if (write.Must) json.WriteBoolean("must"u8, true);
            if (write.Reuse) json.WriteBoolean("reuse"u8, true);
        });
        return attempt;
    }

    /// <param name="write">As it was invoked.</param>
    /// <param name="attempt">From <see cref="Invoke"/>.</param>
    /// <param name="outcome">How it ended.</param>
    /// <param name="excused">Why a refusal of a write that must not be refused is right.</param>
    public void Ended(PlannedWrite write, int attempt, Outcome outcome, string? excused = null) => log.Write(
        outcome.Ending switch { Ending.Committed => "ok", Ending.Unknown => "unknown", _ => "fail" }, json =>
        {
            json.WriteString("id"u8, write.Id);
            json.WriteNumber("a"u8, attempt);
            if (outcome.Ending == Ending.Committed) Receipt(json, outcome.Receipt);
            else
            {
                json.WriteString("code"u8, outcome.Code);
                json.WriteString("why"u8, outcome.Detail.Length > 300 ? outcome.Detail[..300] : outcome.Detail);
                if (outcome.Ending == Ending.NotNow) json.WriteBoolean("passing"u8, true);
                if (excused is not null) json.WriteString("excused"u8, excused);
            }
        });

    private static void Receipt(Utf8JsonWriter json, SeenReceipt receipt)
    {
        json.Key(receipt.Key);
        json.Place(receipt.Feed, receipt.Position, receipt.History);
        json.WriteNumber("seq"u8, receipt.Sequence);
        json.WriteString("fact"u8, receipt.Fact);
        json.Hash(receipt.Hash);
        if (receipt.Replayed) json.WriteBoolean("replayed"u8, true);
    }
}
