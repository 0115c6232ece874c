using System.Globalization;
using System.Text;
using Sync.Contracts;

namespace Sync.Cli.Up.Sample;

/// <summary>The sample data of the box: shops of a chain, each a shard vault of one group with a collection of orders that are
/// placed, change their status and amount, and are deleted once they are done, and a History of visits; now and then a shop opens.
/// Deterministic: the same seed gives the same writes. Bounded: so many shops, so many live orders in each.</summary>
public sealed class SampleShops
{
    public const string Group = "shop";
    public const string Orders = "order";

    /// <summary>A History: events that are never changed or deleted.</summary>
    public const string Visits = "visit";

    private const int ShopsFirst = 4;
    private const int ShopEvery = 400;
    private const int OrdersMax = 60;
    private const int VisitPercent = 8;

    private static readonly string[] Cities =
    [
        "berlin", "lisbon", "osaka", "quito", "accra", "tallinn", "hanoi", "oslo", "porto", "kyiv", "lima", "nairobi",
        "zagreb", "pune", "bergen", "cork", "utrecht", "graz", "leeds", "lyon",
    ];

    private static readonly string[] Statuses = ["placed", "paid", "packed", "shipped", "delivered"];
    private static readonly string[] Customers = ["Ada", "Grace", "Alan", "Edsger", "Barbara", "Donald", "Leslie", "Radia"];

    private readonly Random _random;
    private readonly List<Shop> _shops = [];
    private int _writes;

    public SampleShops(int seed)
    {
        _random = new Random(seed);
        while (_shops.Count < ShopsFirst) Open();
    }

    /// <summary>The next write. It is a delete only of an order that is there.</summary>
    public SampleWrite Next()
    {
        _writes++;
        if (_writes % ShopEvery == 0 && _shops.Count < Cities.Length) return Place(Open());
        var shop = _shops[_random.Next(_shops.Count)];
        if (_random.Next(100) < VisitPercent) return Visit(shop);
        var roll = shop.Orders.Count >= OrdersMax ? 100 : _random.Next(100);
        if (shop.Orders.Count < 3 || roll < 30) return Place(shop);
        if (roll == 100 || roll >= 90) return Done(shop);
        var order = shop.Orders[_random.Next(shop.Orders.Count)];
        if (roll < 75 && order.Status < Statuses.Length - 1) order.Status++;
        else order.Add(_random);
        return Put(shop, order);
    }

    private Shop Open()
    {
        var shop = new Shop($"{Group}--{Cities[_shops.Count]}");
        _shops.Add(shop);
        return shop;
    }

    private SampleWrite Place(Shop shop)
    {
        var order = new Order(++shop.Placed, Customers[_random.Next(Customers.Length)]);
        order.Add(_random);
        shop.Orders.Add(order);
        return Put(shop, order);
    }

    // The oldest of those furthest on their way.
    private static SampleWrite Done(Shop shop)
    {
        var order = shop.Orders.MaxBy(one => one.Status)!;
        shop.Orders.Remove(order);
        return new SampleWrite(KeyOf(shop, order), ChangeOp.Delete, null);
    }

    private SampleWrite Visit(Shop shop)
    {
        var json = $$"""{"customer":"{{Customers[_random.Next(Customers.Length)]}}","minutes":{{_random.Next(1, 40)}}}""";
        var key = new SyncedKey(shop.Vault, Visits, string.Create(CultureInfo.InvariantCulture, $"visit-{++shop.Visits}"));
        return new SampleWrite(key, ChangeOp.Append, Encoding.UTF8.GetBytes(json));
    }

    private static SampleWrite Put(Shop shop, Order order) => new(KeyOf(shop, order), ChangeOp.Put, Encoding.UTF8.GetBytes(string.Create(
        CultureInfo.InvariantCulture,
        $$"""{"customer":"{{order.Customer}}","status":"{{Statuses[order.Status]}}","items":{{order.Items}},"amount_cents":{{order.Cents}}}""")));

    private static SyncedKey KeyOf(Shop shop, Order order) =>
        new(shop.Vault, Orders, string.Create(CultureInfo.InvariantCulture, $"order-{order.Number}"));

    private sealed class Shop(string vault)
    {
        public string Vault => vault;

        public List<Order> Orders { get; } = [];

        public int Placed { get; set; }

        public int Visits { get; set; }
    }

    private sealed class Order(int number, string customer)
    {
        public int Number => number;

        public string Customer => customer;

        public int Status { get; set; }

        public int Items { get; private set; }

        public int Cents { get; private set; }

        public void Add(Random random)
        {
            Items++;
            Cents += random.Next(199, 9_999);
        }
    }
}

/// <summary>One write of the sample.</summary>
/// <param name="Key">What it changes.</param>
/// <param name="Op">What it does.</param>
/// <param name="Json">The full object; null for a delete.</param>
public readonly record struct SampleWrite(SyncedKey Key, ChangeOp Op, byte[]? Json);
