namespace Sync.Testing.Data;

/// <summary>One line of an import file.</summary>
/// <param name="Partition">Shard of the group.</param>
/// <param name="Key">Key in the collection.</param>
/// <param name="Value">JSON text of the value; null for a delete; the text <c>null</c> for a put of nil.</param>
/// <param name="Line">The whole line, without its end.</param>
public sealed record AdvisoryChange(string Partition, string Key, string? Value, string Line)
{
    /// <summary>The shard vault.</summary>
    public string Vault => $"{AdvisoryGenerator.Group}--{Partition}";
}

/// <summary>What a key must be after all changes.</summary>
/// <param name="Sequence">Number of its changes.</param>
/// <param name="Value">JSON text of the live value; null for a tombstone.</param>
public readonly record struct AdvisoryHead(long Sequence, string? Value);
