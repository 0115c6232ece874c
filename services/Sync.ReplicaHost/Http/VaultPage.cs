using System.Buffers;
using System.Text.Json;
using Sync.Contracts;
using Sync.Http.Json;
using Sync.MessagePack;
using Sync.ReplicaHost.Engine;

namespace Sync.ReplicaHost.Http;

/// <summary>Collections of a vault that are held.</summary>
internal readonly record struct HeldVault(string Vault, IReadOnlyList<(string Collection, long Count)> Collections);

/// <summary>A page of the vaults that are held, in the order of their names: <c>{next, items: [{vault, collections:
/// [{collection, count}]}]}</c>.</summary>
internal sealed record VaultPage(string? Next, IReadOnlyList<HeldVault> Items)
{
    public static VaultPage Of(FollowedScopes scopes, string? group, string? after, int limit)
    {
        var vaults = new SortedDictionary<string, List<(string Collection, long Count)>>(Utf8Order.Instance);
        foreach (var followed in scopes.All)
            foreach (var (vault, collection, count) in followed.Held?.Collections ?? [])
            {
                if (group is not null && Names.GroupOf(vault) != group) continue;
                if (after is not null && Utf8Order.Instance.Compare(vault, after) <= 0) continue;
                if (!vaults.TryGetValue(vault, out var collections)) vaults.Add(vault, collections = []);
                collections.Add((collection, count));
            }
        var items = new List<HeldVault>(Math.Min(limit, vaults.Count));
        foreach (var (vault, collections) in vaults)
        {
            if (items.Count == limit) break;
            collections.Sort((one, other) => Utf8Order.Instance.Compare(one.Collection, other.Collection));
            items.Add(new HeldVault(vault, collections));
        }
        return new VaultPage(items.Count < vaults.Count ? items[^1].Vault : null, items);
    }

    public static bool TryWrite(Utf8JsonWriter json, VaultPage page)
    {
        json.WriteStartObject();
        json.WriteString("next"u8, page.Next);
        json.WriteStartArray("items"u8);
        foreach (var item in page.Items)
        {
            json.WriteStartObject();
            json.WriteString("vault"u8, item.Vault);
            json.WriteStartArray("collections"u8);
            foreach (var (collection, count) in item.Collections)
            {
                json.WriteStartObject();
                json.WriteString("collection"u8, collection);
                json.WriteNumber("count"u8, count);
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
        return true;
    }

    public static void Write(IBufferWriter<byte> output, VaultPage page)
    {
        var writer = new MsgPackWriter(output);
        writer.WriteMapHeader(2);
        writer.WriteString("next"u8);
        writer.WriteStringOrNil(page.Next);
        writer.WriteString("items"u8);
        writer.WriteArrayHeader(page.Items.Count);
        foreach (var item in page.Items)
        {
            writer.WriteMapHeader(2);
            writer.WriteString("vault"u8);
            writer.WriteString(item.Vault);
            writer.WriteString("collections"u8);
            writer.WriteArrayHeader(item.Collections.Count);
            foreach (var (collection, count) in item.Collections)
            {
                writer.WriteMapHeader(2);
                writer.WriteString("collection"u8);
                writer.WriteString(collection);
                writer.WriteString("count"u8);
                writer.WriteInteger(count);
            }
        }
        writer.Flush();
    }
}
