using System.IO.Compression;
using System.Text;
using System.Text.Json;
using Sync.Contracts;
using Sync.MessagePack;
using Sync.Testing.Data;

namespace Sync.Integration.Tests.Way;

/// <summary>Changes of one group and collection, in order: generated, or those of a file in the form that
/// <c>sync import</c> takes, when the environment names one.</summary>
internal sealed class GroupInput
{
    /// <summary>Names a <c>.ndjson.gz</c> file to use instead of generated changes.</summary>
    public const string FileVariable = "SYNC_ADVISORIES";

    private static readonly byte[] Nil = [0xc0];

    private GroupInput(string group, string collection, IReadOnlyList<WriteCommand> changes) =>
        (Group, Collection, Changes) = (group, collection, changes);

    public string Group { get; }

    public string Collection { get; }

    public IReadOnlyList<WriteCommand> Changes { get; }

    /// <summary>Puts of nil: no document gate lets them through.</summary>
    public int NilPuts => Changes.Count(change => change.Op == ChangeOp.Put && change.Value.Span.SequenceEqual(Nil));

    /// <summary>The file's changes, or so many generated ones.</summary>
    public static GroupInput Read(int seed, int generated)
    {
        var lines = Environment.GetEnvironmentVariable(FileVariable) is { Length: > 0 } file
            ? ReadLines(file)
            : AdvisoryGenerator.Make(seed, generated).Select(change => change.Line);
        var (group, collection) = ("", "");
        var changes = new List<WriteCommand>();
        foreach (var line in lines)
        {
            using var json = JsonDocument.Parse(line);
            var root = json.RootElement;
            (group, collection) = (Text(root, "group"), Text(root, "collection"));
            changes.Add(new WriteCommand
            {
                Key = new SyncedKey($"{group}--{Text(root, "partition")}", collection, Text(root, "key")),
                Op = Text(root, "op") == "delete" ? ChangeOp.Delete : ChangeOp.Put,
                Value = root.TryGetProperty("value", out var value)
                    ? JsonTranscoder.ToMsgPack(Encoding.UTF8.GetBytes(value.GetRawText()), out _)!
                    : Nil,
                IdempotencyKey = $"line-{changes.Count}",
            });
        }
        return new GroupInput(group, collection, changes);
    }

    /// <summary>What every shard must be after so many changes, computed from the input alone: its digest, and the keys
    /// whose last value no document gate lets through.</summary>
    public Dictionary<string, (CollectionDigest Digest, HashSet<string> Refused)> Shards()
    {
        var heads = new Dictionary<SyncedKey, (long Sequence, WriteCommand Last)>();
        foreach (var change in Changes) heads[change.Key] = (heads.GetValueOrDefault(change.Key).Sequence + 1, change);
        return heads.GroupBy(head => head.Key.Vault, StringComparer.Ordinal).ToDictionary(
            shard => shard.Key,
            shard => (DigestOf(shard), shard
                .Where(head => head.Value.Last is { Op: ChangeOp.Put } last && last.Value.Span.SequenceEqual(Nil))
                .Select(head => head.Key.Key).ToHashSet(StringComparer.Ordinal)),
            StringComparer.Ordinal);
    }

    private static CollectionDigest DigestOf(IEnumerable<KeyValuePair<SyncedKey, (long Sequence, WriteCommand Last)>> heads)
    {
        using var digester = new CollectionDigester();
        foreach (var (key, (sequence, last)) in heads.OrderBy(head => head.Key.Key, Utf8Order.Instance))
            if (last.Op == ChangeOp.Put) digester.Add(key.Key, new Sequence(sequence), Hash256.Of(last.Value.Span));
        return digester.Finish(Position.Start);
    }

    private static string Text(JsonElement line, string name) => line.GetProperty(name).GetString()!;

    private static IEnumerable<string> ReadLines(string file)
    {
        using var reader = new StreamReader(new GZipStream(File.OpenRead(file), CompressionMode.Decompress));
        while (reader.ReadLine() is { } line) yield return line;
    }
}
