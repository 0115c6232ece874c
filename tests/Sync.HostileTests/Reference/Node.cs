using System.Globalization;
using System.Text;

namespace Sync.HostileTests.Reference;

/// <summary>Kinds of values, of both formats.</summary>
internal enum Kind
{
    Nil,
    Boolean,
    Integer,
    Float,
    Text,
    Binary,
    List,
    Map,
    Extension,
}

/// <summary>A value, as an object: slow and plain, to compare readings with.</summary>
internal sealed class Node
{
    public Kind Kind { get; init; }

    /// <summary>Of a boolean, an integer, or an extension's type.</summary>
    public Int128 Number { get; init; }

    public double Real { get; init; }

    /// <summary>Of text, binary and extensions.</summary>
    public byte[] Bytes { get; init; } = [];

    /// <summary>Elements; of a map key, value, key, value…</summary>
    public List<Node> Items { get; } = [];

    /// <summary>Exactly one text for each value; two keys are the same when their texts are.</summary>
    public string Identity => Kind switch
    {
        Kind.Float => $"f{BitConverter.DoubleToInt64Bits(Real):x}",
        Kind.Text or Kind.Binary or Kind.Extension => $"{Kind}{Number}:{Convert.ToHexString(Bytes)}",
        _ => $"{Kind}{Number}",
    };

    /// <summary>True when JSON has words for all of it.</summary>
    public bool IsJson => Kind switch
    {
        Kind.Binary or Kind.Extension => false,
        Kind.Float => double.IsFinite(Real),
        Kind.Map => Items.Where((_, index) => index % 2 == 0).All(key => key.Kind == Kind.Text) && Items.All(item => item.IsJson),
        Kind.List => Items.All(item => item.IsJson),
        _ => true,
    };

    /// <summary>True when no map in it has a key twice.</summary>
    public bool HasNoTwin
    {
        get
        {
            if (Kind == Kind.Map)
            {
                var seen = new HashSet<string>(StringComparer.Ordinal);
                for (var index = 0; index < Items.Count; index += 2)
                    if (!seen.Add(Items[index].Identity)) return false;
            }
            return Items.All(item => item.HasNoTwin);
        }
    }

    /// <summary>The value under a text key of a map; null = none.</summary>
    public Node? this[string name]
    {
        get
        {
            for (var index = 0; index + 1 < Items.Count; index += 2)
                if (Items[index].Kind == Kind.Text && Encoding.UTF8.GetString(Items[index].Bytes) == name) return Items[index + 1];
            return null;
        }
    }

    public string AsText => Encoding.UTF8.GetString(Bytes);

    /// <summary>True when both are the same value, maps in the same order.</summary>
    public static bool Same(Node one, Node other)
    {
        if (one.Kind != other.Kind || one.Items.Count != other.Items.Count) return false;
        if (one.Kind is not (Kind.List or Kind.Map)) return one.Identity == other.Identity;
        for (var index = 0; index < one.Items.Count; index++)
            if (!Same(one.Items[index], other.Items[index])) return false;
        return true;
    }

    public override string ToString() => Kind is Kind.List or Kind.Map
        ? $"{Kind}({string.Join(",", Items)})" : string.Create(CultureInfo.InvariantCulture, $"{Kind} {Number} {Real} {AsText}");
}
