using System.Globalization;
using System.Text;
using Sync.ChaosTests.Check;
using Sync.ChaosTests.Clients;
using Sync.Contracts;
using Sync.Replication;

namespace Sync.ChaosTests.CheckTests;

/// <summary>A run without processes: lines of logs as the clients write them, and rows of a ledger. Each step can be
/// left out or done wrong.</summary>
internal sealed class PlayedRun
{
    public const long History = 7;

    private readonly Dictionary<int, long> _positions = [];
    private readonly Dictionary<SyncedKey, FactRow> _heads = [];
    private readonly Dictionary<(string, string), long> _collections = [];
    private readonly LogLine _line = new();
    private long _time;
    private long _attempts;
    private int _writes;

    public Logs Logs { get; } = new(new RunFolder(AppContext.BaseDirectory));

    public LedgerFacts Facts { get; private set; } = new(History);

    /// <summary>What the feeds say of themselves.</summary>
    public Dictionary<int, long> Heads { get; } = [];

    /// <summary>The time of the last line.</summary>
    public long Time => _time;

    public static SyncedKey Key(int number, int vault = 0) =>
        new(Load.Vaults[vault], Load.Collection, LoadPlan.KeyOf(number * Load.Keys / 8));

    /// <summary>A write that goes as it should all the way: acknowledged, stored, published, read and held.</summary>
    public FactRow Write(SyncedKey key, ChangeOp op = ChangeOp.Put, bool passes = true, long major = 1)
    {
        var fact = Next(key, op, passes, major);
        Store(fact);
        Acknowledge(fact, Invoke(fact));
        Publish(fact);
        Read(fact);
        if (fact.PassesGates(ChaosValue.OldMajor)) Hold(fact);
        else Refuse(fact);
        return fact;
    }

    /// <summary>The fact that a write of the key would make next; nothing knows of it yet.</summary>
    public FactRow Next(SyncedKey key, ChangeOp op = ChangeOp.Put, bool passes = true, long major = 1)
    {
        var feed = Feeds.Of(key.Vault, Feeds.CountDefault).Value;
        var last = _heads.GetValueOrDefault(key);
        var number = ++_writes;
        return new FactRow(
            feed, _positions.GetValueOrDefault(feed) + 1, (last?.Sequence ?? 0) + 1, 1,
            _collections.GetValueOrDefault((key.Vault, key.Collection)), op, new Guid(number, 0, 0, new byte[8]), last?.Id, key,
            (ulong)(1000 + number), "id-" + number.ToString(CultureInfo.InvariantCulture), passes, major);
    }

    /// <summary>A row of the ledger.</summary>
    public void Store(FactRow fact)
    {
        Facts.Add(fact);
        Heads[fact.Feed] = _positions[fact.Feed] = fact.Position;
        _heads[fact.Key] = fact;
        _collections[(fact.Key.Vault, fact.Key.Collection)] = fact.Position;
    }

    /// <summary>The ledger as a restored copy leaves it: another history, the facts of the old one up to a
    /// position.</summary>
    public void Restore(long history, long upTo)
    {
        var kept = Facts.Feeds.SelectMany(feed => Facts.Of(feed)).Where(fact => fact.Position <= upTo).ToList();
        Facts = new LedgerFacts(history);
        Heads.Clear();
        _positions.Clear();
        _heads.Clear();
        _collections.Clear();
        foreach (var fact in kept) Store(fact);
    }

    /// <returns>The attempt.</returns>
    public long Invoke(FactRow fact, string more = "")
    {
        Line("client-0", "invoke",
            $"\"id\":\"{fact.IdempotencyKey}\",\"a\":{++_attempts},{KeyOf(fact.Key)},\"op\":\"put\",\"h\":\"{fact.Hash:x16}\"{more}");
        return _attempts;
    }

    public void Acknowledge(FactRow fact, long attempt, string more = "") => Line("client-0", "ok",
        $"\"id\":\"{fact.IdempotencyKey}\",\"a\":{attempt},{KeyOf(fact.Key)},{PlaceOf(fact)},\"h\":\"{fact.Hash:x16}\"{more}");

    public void Refuse(FactRow fact, long attempt, string more = "") => Line("client-0", "fail",
        $"\"id\":\"{fact.IdempotencyKey}\",\"a\":{attempt},\"code\":\"expected-sequence-differs\",\"why\":\"\"{more}");

    public void NotKnown(FactRow fact, long attempt) => Line("client-0", "unknown",
        $"\"id\":\"{fact.IdempotencyKey}\",\"a\":{attempt},\"code\":\"unknown-outcome\",\"why\":\"\"");

    /// <summary>An envelope on the broker.</summary>
    public void Publish(FactRow fact) => Line("raw", "env", $"{KeyOf(fact.Key)},{PlaceOf(fact)},\"h\":\"{fact.Hash:x16}\"");

    /// <summary>A change in a reader's stream.</summary>
    public void Read(FactRow fact) => Line("feed-0", "change",
        $"\"conn\":1,{PlaceOf(fact)},\"behind\":{fact.Position},\"h\":\"{fact.Hash:x16}\"");

    /// <summary>Both readers of a replica see it.</summary>
    public void Hold(FactRow fact, string readers = "key list", string file = "replica-0")
    {
        var held = fact.Op == ChangeOp.Delete ? "\"gone\":true" : $"\"h\":\"{fact.Hash:x16}\"";
        foreach (var reader in readers.Split(' '))
            Line(file, "held", $"\"r\":\"{reader}\",{KeyOf(fact.Key)},{PlaceOf(fact)},{held}");
        Stand(fact.Key, ReplicaStatus.Ok, file);
    }

    /// <summary>Both readers of a replica refuse it and say so.</summary>
    public void Refuse(FactRow fact, string file = "replica-0")
    {
        Stand(fact.Key, ReplicaStatus.Skew, file);
        Line(file, "refused", $"\"r\":\"list\",{KeyOf(fact.Key)},\"seq\":{fact.Sequence}");
        Line(file, "status", $"\"r\":\"list\",\"status\":{(int)CollectionStatus.Skew}");
    }

    /// <summary>How a replica of the key alone says that it stands.</summary>
    public void Stand(SyncedKey key, ReplicaStatus status, string file = "replica-0") =>
        Line(file, "status", $"\"r\":\"key\",{KeyOf(key)},\"status\":{(int)status}");

    /// <summary>Any line.</summary>
    public void Line(string file, string kind, string fields = "\"x\":0")
    {
        _time += 1000;
        _line.Read(Encoding.UTF8.GetBytes($$"""{"t":{{_time}},"e":"{{kind}}",{{fields}}}"""));
        Logs.Take(file, _line);
    }

    public void Pass(TimeSpan time) => _time += (long)time.TotalMicroseconds;

    /// <summary>What the check says of it, without convergence.</summary>
    public IReadOnlyList<Finding> Check() => Check(out _);

    public IReadOnlyList<Finding> Check(out SortedDictionary<string, long> counters)
    {
        var findings = new FindingList();
        counters = new(StringComparer.Ordinal);
        Facts.Settle();
        Logs.Check(Facts, findings, counters);
        Facts.Check(Heads, findings);
        return findings.ToFindings();
    }

    /// <summary>Whether the readers came to what was acknowledged before a moment.</summary>
    public Convergence Converge(long ready, params string[] cutOff)
    {
        var convergence = new Convergence(Logs.Writes.AcknowledgedBefore(ready, Facts.History), Facts, ready);
        convergence.Look(Logs.Held, cutOff.ToHashSet(StringComparer.Ordinal));
        return convergence;
    }

    private static string KeyOf(SyncedKey key) => $"\"v\":\"{key.Vault}\",\"c\":\"{key.Collection}\",\"k\":\"{key.Key}\"";

    private string PlaceOf(FactRow fact) =>
        $"\"feed\":{fact.Feed},\"pos\":{fact.Position},\"hist\":{Facts.History},\"seq\":{fact.Sequence},\"fact\":\"{fact.Id}\"";
}
