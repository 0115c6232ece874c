using System.Text.Json;

namespace Sync.Cli.Verify;

/// <summary>Everything that a verification found, and how it is told.</summary>
internal sealed class VerifyResult
{
    public List<FeedWalk> Walks { get; } = [];

    /// <summary>The first break of each broken feed.</summary>
    public List<string> Breaks { get; } = [];

    public List<ReplicaResult> Replicas { get; } = [];

    /// <summary>Replica hosts that do not answer.</summary>
    public List<string> Silent { get; } = [];

    public bool IsRight => Breaks.Count == 0 && Replicas.TrueForAll(replica => replica.IsRight);

    private long Facts => Walks.Sum(walk => walk.Position.Value);

    private long Keys => Walks.Sum(walk => (long)walk.Keys);

    private long Live => Walks.Sum(walk => walk.Live);

    private int Vaults => Walks.SelectMany(walk => walk.Vaults).Distinct(StringComparer.Ordinal).Count();

    private long MaxSequence => Walks.Max(walk => walk.MaxSequence);

    public void Print(bool isJson)
    {
        if (isJson) Output.Json(Write);
        else PrintText();
    }

    private void PrintText()
    {
        foreach (var wrong in Breaks) Output.Text("BROKEN  " + wrong);
        foreach (var replica in Replicas)
        {
            foreach (var one in replica.Differences) Output.Text($"DIFFERS  {replica.Url}  {one.Key}: {one.Detail}");
            foreach (var one in replica.NotCompared) Output.Text($"NOT COMPARED  {replica.Url}  {one}");
        }
        foreach (var one in Silent) Output.Text("SILENT  " + one);
        Output.Text(
            $"{Facts} facts in {Walks.Count} feeds, {Keys} keys ({Live} live) in {Vaults} vaults, highest sequence {MaxSequence}: "
            + (Breaks.Count == 0 ? "everything holds" : $"{Breaks.Count} feeds are broken"));
        foreach (var replica in Replicas)
        {
            Output.Text(
                $"replica host {replica.Url}: {replica.Equal} of {replica.Collections} collections are equal"
                + (replica.Differences.Count == 0 ? "" : $", {replica.Differences.Count} keys differ")
                + (replica.NotCompared.Count == 0 ? "" : $", {replica.NotCompared.Count} could not be compared"));
        }
    }

    private void Write(Utf8JsonWriter json)
    {
        json.WriteBoolean("ok", IsRight && Silent.Count == 0);
        json.WriteNumber("facts", Facts);
        json.WriteNumber("keys", Keys);
        json.WriteNumber("live", Live);
        json.WriteNumber("vaults", Vaults);
        json.WriteNumber("highestSequence", MaxSequence);
        WriteTexts(json, "breaks", Breaks);
        json.WriteStartArray("replicas");
        foreach (var replica in Replicas) Write(json, replica);
        json.WriteEndArray();
        WriteTexts(json, "silent", Silent);
    }

    private static void Write(Utf8JsonWriter json, ReplicaResult replica)
    {
        json.WriteStartObject();
        json.WriteString("url", replica.Url);
        json.WriteNumber("collections", replica.Collections);
        json.WriteNumber("equal", replica.Equal);
        json.WriteStartArray("differences");
        foreach (var one in replica.Differences)
        {
            json.WriteStartObject();
            json.WriteString("vault", one.Key.Vault);
            json.WriteString("collection", one.Key.Collection);
            json.WriteString("key", one.Key.Key);
            json.WriteString("kind", JsonNamingPolicy.KebabCaseLower.ConvertName(one.Kind.ToString()));
            json.WriteString("detail", one.Detail);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        WriteTexts(json, "notCompared", replica.NotCompared);
        json.WriteEndObject();
    }

    private static void WriteTexts(Utf8JsonWriter json, string name, List<string> texts)
    {
        json.WriteStartArray(name);
        foreach (var text in texts) json.WriteStringValue(text);
        json.WriteEndArray();
    }
}
