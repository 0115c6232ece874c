using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Sync.Testing.Data;

/// <summary>Makes changes with the traits of a real advisory history, the same for the same seed: few large and many small
/// partitions, deletes, re-puts, puts of null, floats, nested lists, non-Latin text, sizes of 150 bytes to 15 KB, one key
/// with exactly 64 changes.</summary>
public static class AdvisoryGenerator
{
    /// <summary>The group of all shards.</summary>
    public const string Group = "gen";

    /// <summary>The collection of all records.</summary>
    public const string Collection = "advisory";

    /// <summary>Changes of the busiest key.</summary>
    public const int BusiestKeyChanges = 64;

    private static readonly string[] Words =
        ["overflow", "traversal", "größer", "注入", "инъекция", "\"quoted\"", "line\nbreak", "emoji 🚀", "escape\\path", "plain"];

    private static readonly JsonWriterOptions Relaxed = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Makes the changes in order.</summary>
    /// <param name="seed">Decides everything.</param>
    /// <param name="count">Number of changes; at least 200.</param>
    public static IReadOnlyList<AdvisoryChange> Make(int seed, int count)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 200);
        var random = new Random(seed);
        var partitions = Math.Max(5, count / 25);
        var live = new Dictionary<(string, string), bool>();
        var busiest = ("package-0", "GEN-0-0");
        var busyAt = BusyPlaces(random, count);
        var changes = new List<AdvisoryChange>(count);
        for (var index = 0; index < count; index++)
        {
            var place = busyAt.Contains(index) ? busiest : Pick(random, partitions, busiest);
            var exists = live.GetValueOrDefault(place);
            var delete = exists && random.Next(6) == 0;
            live[place] = !delete;
            changes.Add(Change(random, index, place, delete));
        }
        return changes;
    }

    /// <summary>Replays the changes: what every key must be at the end.</summary>
    public static Dictionary<(string Vault, string Key), AdvisoryHead> Heads(IEnumerable<AdvisoryChange> changes)
    {
        var heads = new Dictionary<(string, string), AdvisoryHead>();
        foreach (var change in changes)
        {
            var place = (change.Vault, change.Key);
            heads[place] = new AdvisoryHead(heads.GetValueOrDefault(place).Sequence + 1, change.Value);
        }
        return heads;
    }

    private static HashSet<int> BusyPlaces(Random random, int count)
    {
        var places = new HashSet<int>();
        while (places.Count < BusiestKeyChanges) places.Add(random.Next(count));
        return places;
    }

    private static (string Partition, string Key) Pick(Random random, int partitions, (string, string) busiest)
    {
        while (true)
        {
            // Squaring makes low numbers frequent: a few large shards, many small ones.
            var partition = (int)(Math.Pow(random.NextDouble(), 2) * partitions);
            var key = (int)(Math.Pow(random.NextDouble(), 2) * (4 + (partitions / (1 + partition))));
            var place = ($"package-{partition}", $"GEN-{partition}-{key}");
            if (place != busiest) return place;
        }
    }

    private static AdvisoryChange Change(Random random, int index, (string Partition, string Key) place, bool delete)
    {
        var value = delete ? null : random.Next(200) == 0 ? "null" : Value(random, place.Key);
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, Relaxed))
        {
            json.WriteStartObject();
            json.WriteString("group", Group);
            json.WriteString("partition", place.Partition);
            json.WriteString("collection", Collection);
            json.WriteString("key", place.Key);
            json.WriteString("op", delete ? "delete" : "put");
            json.WriteString("valid_time", DateTime.UnixEpoch.AddSeconds(1_600_000_000 + (index * 61L)).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture));
            json.WriteString("commit", $"{random.Next():x8}");
            if (value is not null)
            {
                json.WritePropertyName("value");
                json.WriteRawValue(value);
            }
            json.WriteEndObject();
        }
        return new AdvisoryChange(place.Partition, place.Key, value, Encoding.UTF8.GetString(stream.ToArray()));
    }

    private static string Value(Random random, string id)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, Relaxed))
        {
            json.WriteStartObject();
            json.WriteString("id", id);
            json.WriteString("details", Text(random, 1 << random.Next(2, 11)));
            json.WritePropertyName("score");
            json.WriteRawValue(Number(random));
            json.WriteNumber("revision", random.NextInt64(long.MinValue, long.MaxValue) >> random.Next(0, 63));
            json.WriteStartArray("affected");
            for (var count = random.Next(4); count > 0; count--)
            {
                json.WriteStartObject();
                json.WriteString("fixed", $"{random.Next(9)}.{random.Next(40)}");
                json.WriteBoolean("withdrawn", random.Next(2) == 0);
                json.WriteNull("note");
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WriteEndObject();
        }
        return Encoding.UTF8.GetString(stream.ToArray());
    }

    private static string Number(Random random) => random.Next(5) switch
    {
        0 => "7.0",
        1 => "-0.0",
        2 => "1e-7",
        3 => (random.NextDouble() * 10).ToString("R", CultureInfo.InvariantCulture),
        _ => random.Next(-100, 100).ToString(CultureInfo.InvariantCulture),
    };

    private static string Text(Random random, int length)
    {
        var text = new StringBuilder(length + 16);
        while (text.Length < length) text.Append(Words[random.Next(Words.Length)]).Append(' ');
        return text.ToString();
    }
}
