using System.Globalization;
using System.Text;
using System.Text.Json;
using Sync.Benchmarks.Replicas;
using Sync.Benchmarks.Schema;
using Sync.Benchmarks.Way;
using Sync.MessagePack;

namespace Sync.Benchmarks.Bulk;

/// <summary>The records of one round in the forms in which each way takes them, made before the clock starts: groups of
/// 1,000 as arrays, and lines of JSON.</summary>
internal sealed class BulkRecords
{
    public const int GroupFacts = 1000;

    private BulkRecords(List<BenchGroup> groups, byte[] lines) =>
        (Groups, Lines, Count) = (groups, lines, groups.Sum(group => group.Count));

    public List<BenchGroup> Groups { get; }

    public byte[] Lines { get; }

    public int Count { get; }

    public static BulkRecords Make(GroupSource source, int count)
    {
        var groups = new List<BenchGroup>();
        var lines = new MemoryStream(count * 420);
        for (var left = count; left > 0; left -= GroupFacts)
        {
            var group = source.Next(Math.Min(GroupFacts, left));
            groups.Add(group);
            for (var index = 0; index < group.Count; index++) WriteLine(lines, group, index);
        }
        return new BulkRecords(groups, lines.ToArray());
    }

    /// <summary>About 200 bytes of MessagePack, as the door makes them of JSON.</summary>
    public static byte[] Value(Random random) => JsonTranscoder.ToMsgPack(
        JsonSerializer.SerializeToUtf8Bytes(Item.Make(random.Next()), ItemJson.Default.Item), out var error)
        ?? throw new InvalidOperationException(error.Message);

    // The value goes as JSON, as most senders have it: the door makes MessagePack of it.
    private static void WriteLine(MemoryStream to, BenchGroup group, int index)
    {
        to.Write(Encoding.UTF8.GetBytes(string.Create(
            CultureInfo.InvariantCulture,
            $$"""
            {"vault":"{{Records.Vault}}","collection":"{{Records.Collection}}","key":"{{group.Keys[index]}}","idempotency_key":"{{group.Idempotency[index]}}","value":
            """)));
        to.Write(JsonTranscoder.ToJson(group.Values[index], out _)!);
        to.Write("}\n"u8);
    }
}
